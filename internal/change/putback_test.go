package change

import (
	"strings"
	"testing"

	"nermbulk/internal/sheet"
)

func TestPutBack(t *testing.T) {
	status := sheet.Column{Field: Status}
	workflow := sheet.Column{Field: "workflow_id"}
	kind := sheet.Column{Field: requesterType}
	profiles := sheet.Column{Field: "profile_ids"}
	x := sheet.Column{Field: sheet.Attribute, UID: "x"}
	tests := map[string]struct {
		column sheet.Column
		sent   string
		before string
		want   PutBack
	}{
		"a column that is not sent":      {sheet.Column{Field: "uid"}, "u", `{"uid":"other"}`, PutBack{}},
		"another text":                   {x, "new", `{"attributes":{"x":"old"}}`, PutBack{Cell: "old", Writes: true}},
		"the same text":                  {x, "a\r\nb", `{"attributes":{"x":"a\nb"}}`, PutBack{}},
		"the same list":                  {x, "a,b", `{"attributes":{"x":"a, b"}}`, PutBack{}},
		"in an envelope":                 {x, "new", `{"workflow_session":{"attributes":{"x":"old"}}}`, PutBack{Cell: "old", Writes: true}},
		"an attribute that was empty":    {x, "new", `{"attributes":{"x":null}}`, PutBack{Cell: "<clear>", Writes: true}},
		"an attribute that was not had":  {x, "new", `{"attributes":{}}`, PutBack{Cell: "<clear>", Writes: true}},
		"attributes that were not shown": {x, "new", `{}`, PutBack{Lost: "was not shown before it was changed, so nothing is known to put back"}},
		"a field that was not shown":     {status, "closed", `{"attributes":{}}`, PutBack{Lost: "was not shown before it was changed, so nothing is known to put back"}},
		"an attribute that was cleared":  {x, "-", `{"attributes":{"x":"old"}}`, PutBack{Cell: "old", Writes: true}},
		"cleared although it was empty":  {x, "-", `{"attributes":{"x":""}}`, PutBack{}},
		"a value that is no text":        {x, "1", `{"attributes":{"x":true}}`, PutBack{Cell: "true", Writes: true}},
		"a list in place of a text":      {x, "1", `{"attributes":{"x":["a"]}}`, PutBack{Lost: "held no text before"}},
		"an object in place of a list":   {profiles, idA, `{"profile_ids":{"a":1}}`, PutBack{Lost: "held no list of ids before"}},
		"the clear marker itself":        {x, "1", `{"attributes":{"x":"<Clear>"}}`, PutBack{Lost: "held a value that a sheet may not hold"}},
		"a spreadsheet's error":          {x, "1", `{"attributes":{"x":"#N/A"}}`, PutBack{Lost: "held a value that a sheet may not hold"}},
		"a NUL":                          {x, "1", `{"attributes":{"x":"a\u0000"}}`, PutBack{Lost: "held a value that a sheet may not hold"}},
		"spaces alone":                   {x, "1", `{"attributes":{"x":"  "}}`, PutBack{Cell: "<clear>", Writes: true, Lost: "held only spaces before and is put back empty"}},
		"spaces around it":               {x, "1", `{"attributes":{"x":" old"}}`, PutBack{Cell: " old", Writes: true, Lost: "is put back without the spaces around it, and with plain line breaks"}},
		"the same person":                {x, "Ann Lee", `{"attributes":{"x":"Ann Lee (ann@example.com)"}}`, PutBack{}},
		"another person":                 {x, "Ann", `{"attributes":{"x":"Ben (ben@example.com)"}}`, PutBack{Cell: "Ben (ben@example.com)", Writes: true}},
		"a name where an id was sent":    {x, idA, `{"attributes":{"x":"Ann (ann@example.com)"}}`, PutBack{Lost: "reads back as a name where the sheet sent an id"}},
		"another id":                     {x, idA, `{"attributes":{"x":"` + idB + `"}}`, PutBack{Cell: idB, Writes: true}},
		"a status":                       {status, "closed", `{"status":"Pending Approval"}`, PutBack{Cell: "pending_approval", Writes: true}},
		"a status spelt otherwise":       {status, "Pending_Approval", `{"status":"pending approval"}`, PutBack{}},
		"a status that nobody knows":     {status, "closed", `{"status":"on hold"}`, PutBack{Cell: "on hold", Writes: true, Flag: "--allow-unknown-status"}},
		"a status that was empty":        {status, "closed", `{"status":null}`, PutBack{Lost: "was empty before, and only an attribute can be emptied"}},
		"an id":                          {workflow, idA, `{"workflow_id":"` + idB + `"}`, PutBack{Cell: idB, Writes: true}},
		"an id in another spelling":      {workflow, strings.ToUpper(idA), `{"workflow_id":"` + idA + `"}`, PutBack{}},
		"a field that held no id":        {workflow, idA, `{"workflow_id":"old"}`, PutBack{Lost: "held a value that a sheet may not hold"}},
		"a type":                         {kind, "user", `{"requester_type":"User"}`, PutBack{}},
		"other profiles":                 {profiles, idA + ";" + idB, `{"profile_ids":["` + idC + `","` + idA + `"]}`, PutBack{Cell: idC + "," + idA, Writes: true}},
		"the same profiles":              {profiles, idA + ";" + idB, `{"profile_ids":["` + idB + `","` + idA + `"]}`, PutBack{}},
		"profiles as one text":           {profiles, idA, `{"profile_ids":"` + idB + `"}`, PutBack{Cell: idB, Writes: true}},
		"no profiles":                    {profiles, idA, `{"profile_ids":[]}`, PutBack{Lost: "was empty before, and only an attribute can be emptied"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			before, err := ParseBefore([]byte(tt.before))
			if err != nil {
				t.Fatal(err)
			}
			if got := before.PutBack(Label(tt.column.Field, tt.column.UID), sentFor(tt.column, tt.sent)); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
	if _, err := ParseBefore([]byte("[]")); err == nil {
		t.Error("a list was taken for a session")
	}
}

// sentFor is what is sent for a cell, where "-" clears.
func sentFor(c sheet.Column, cell string) string {
	f := fieldOf(c.Field)
	switch {
	case cell == "-":
		return ""
	case f == nil || f.parse == nil:
		return unifyBreaks(cell)
	}
	text, _ := f.parse(cell, &Rules{AllowUnknownStatus: true})
	return text
}
