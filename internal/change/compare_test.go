package change

import (
	"strings"
	"testing"
	"time"

	"nermbulk/internal/api"
	"nermbulk/internal/sheet"
)

const (
	annID = "0a0a0a0a-0000-4000-8000-000000000001"
	benID = "0b0b0b0b-0000-4000-8000-000000000002"
)

func TestCertainty(t *testing.T) {
	tests := map[string]struct {
		sent, held string
		want       Certainty
	}{
		"other text":                       {"a", "b", Certain},
		"empty before":                     {annID, "", Certain},
		"cleared":                          {"", "Ann (ann@example.com)", Certain},
		"another id":                       {annID, benID, Certain},
		"a name for an id":                 {annID, "Ann Lee (ann@example.com)", ShownAsName},
		"a name without an address":        {annID, "Acme Ltd", ShownAsName},
		"names for ids":                    {annID + "," + benID, "Ann, Ben", ShownAsName},
		"a name with a comma":              {annID, "Lee, Ann (ann@example.com)", ShownAsName},
		"an id and a name":                 {"Ann," + benID, "Ann (ann@example.com), Ben", ShownAsName},
		"an id and a name that is another": {"Cid," + benID, "Ann, Ben", Unproven},
		"the same name":                    {"Ann", "Ann (ann@example.com)", ShownAsName},
		"another name":                     {"Ann", "Ben (ben@example.com)", Certain},
		"text in the place of an id":       {"none", annID, Unproven},
		"one more id":                      {annID + "," + benID, annID, Certain},
		"one name less":                    {"Ann", "Ann (ann@example.com), Ben", Certain},
		"the id in capitals":               {strings.ToUpper(annID), annID, ShownAsName},
		"not an address":                   {"Ann", "Ann (absent)", Certain},
	}
	for name, tt := range tests {
		if got := certaintyOf(tt.sent, tt.held); got != tt.want {
			t.Errorf("%s: %d, not %d", name, got, tt.want)
		}
	}
}

// What a session holds already is not sent, and whatever is sent is as in the
// whole body.
func TestChangedOnly(t *testing.T) {
	content := "id,status,workflow_id,requester_id,requester_type,profile_ids,attributes.a,attributes.b,attributes.c,run\n" +
		idA + ",Closed," + strings.ToUpper(annID) + "," + annID + ",user,\"" + annID + ";" + benID + "\",\"x\"\"\r\ny\",<clear>,\"p,q\",true\n"
	all := `"status":"closed","workflow_id":"` + annID + `","requester_id":"` + annID + `","requester_type":"User","profile_ids":["` + annID + `","` + benID + `"]`
	attributes := `"attributes":{"a":"x\"\ny","b":"","c":"p,q"}`
	tests := map[string]struct{ session, want string }{
		"nothing is told":      {`{}`, all + "," + attributes},
		"all differs":          {`{"status":"new","workflow_id":"` + benID + `","requester_id":"` + benID + `","requester_type":"NeprofileUser","profile_ids":[],"attributes":{"a":"1","b":"2","c":"3"}}`, all + "," + attributes},
		"only an attribute":    {`{"status":"CLOSED","workflow_id":"` + annID + `","requester_id":"` + annID + `","requester_type":"User","profile_ids":"` + benID + ", " + annID + `","attributes":{"a":"x\"\r\ny","b":"2","c":"p, q"}}`, `"attributes":{"b":""}`},
		"the requester's type": {`{"status":"CLOSED","workflow_id":"` + annID + `","requester_id":"` + annID + `","requester_type":"NeprofileUser","profile_ids":"` + benID + ", " + annID + `","attributes":{"a":"x\"\r\ny","c":"p, q"}}`, `"requester_id":"` + annID + `","requester_type":"User"`},
		"only the run is left": {`{"status":"closed","workflow_id":"` + annID + `","requester_id":"` + annID + `","requester_type":"User","profile_ids":"` + benID + ", " + annID + `","attributes":{"a":"x\"\ny","b":null,"c":"p,q"}}`, `"attributes":{}`},
	}
	s := openSheet(t, content, sheet.Options{})
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			planner := NewPlanner(s, defaultRules())
			err := s.Each(t.Context(), func(row *sheet.Row) error {
				if problems := planner.Plan(row); len(problems) > 0 {
					t.Fatal(problems)
				}
				return nil
			})
			session, parseErr := api.ParseSession([]byte(tt.session))
			if err != nil || parseErr != nil {
				t.Fatal(err, parseErr)
			}
			c := &planner.Change
			other := *c
			whole := other.Hash()
			if c.ChangedOnly(Compare(c, &session)); string(c.Body) != bodyOpen+tt.want+"}}" {
				t.Errorf("%s\nnot\n%s", c.Body, bodyOpen+tt.want+"}}")
			}
			if c.Hash() != whole {
				t.Error("the hash is another one")
			}
		})
	}
}

func TestModifiedSince(t *testing.T) {
	left := Left{time.Date(2026, 1, 2, 3, 4, 5, 200e6, time.UTC), time.Date(2026, 1, 2, 3, 4, 5, 700e6, time.UTC)}
	for name, tt := range map[string]struct {
		updated, before string // before: "" = the session was not read
		left            Left
		want            Modified
	}{
		"not shown":                       {"", "", left, ModifiedUnknown},
		"when it left is not known":       {"2026-01-02T03:04:06.000Z", "", Left{}, ModifiedUnknown},
		"an hour before":                  {"2026-01-02T02:04:05.000Z", "", left, Unmodified},
		"a second before":                 {"2026-01-02T03:04:04.100Z", "", left, ModifiedAround},
		"around, to the clock":            {"2026-01-02T03:04:05.500Z", "", left, PerhapsModified},
		"after":                           {"2026-01-02T03:04:05.700Z", "", left, WasModified},
		"in another zone":                 {"2026-01-02T05:04:06.000+02:00", "", left, WasModified},
		"whole seconds, the same one":     {"2026-01-02T03:04:05Z", "", left, PerhapsModified},
		"whole seconds, the one before":   {"2026-01-02T03:04:04Z", "", left, ModifiedAround},
		"around, and another than before": {"2026-01-02T03:04:05.500Z", "2026-01-02T03:04:05.100Z", left, WasModified},
		"around, and as before":           {"2026-01-02T03:04:05.500Z", "2026-01-02T03:04:05.500Z", left, ModifiedAround},
	} {
		var before *api.Session
		if tt.before != "" {
			before = &api.Session{UpdatedAt: tt.before}
		}
		if got := ModifiedSince(&api.Session{UpdatedAt: tt.updated}, before, tt.left); got != tt.want {
			t.Errorf("%s: %v, not %v", name, got, tt.want)
		}
	}
}

func TestRefuses(t *testing.T) {
	for name, tt := range map[string]struct {
		field sheet.Field
		cell  string
		want  bool
	}{
		"text":                 {sheet.Attribute, "=1+1", false},
		"an error":             {sheet.Attribute, " #N/A ", true},
		"the marker":           {sheet.Attribute, "<Clear>", true},
		"any status":           {Status, "on hold", false},
		"a type":               {requesterType, "user", false},
		"no type":              {requesterType, "Robot", true},
		"an id":                {"workflow_id", annID, false},
		"no id":                {requesterID, "Ann", true},
		"ids":                  {"profile_ids", annID + ", " + benID, false},
		"a name among ids":     {"profile_ids", annID + ", Ann", true},
		"nothing changes less": {"profile_id", "", false},
	} {
		if got := fieldOf(tt.field).refuses(tt.cell); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestSameName(t *testing.T) {
	for _, same := range [][2]string{
		{"pending_approval", "Pending Approval"}, {"closed", "closed"}, {"AUTH-STATUS1", "auth status1"}, {"un_assigned", "unassigned "}, {"ÜBER", "über"}, {"a\u00a0b", "a_b"}, {"", "_"},
	} {
		if !sameName(same[0], same[1]) || !sameName(same[1], same[0]) {
			t.Errorf("%q and %q are one name", same[0], same[1])
		}
	}
	for _, other := range [][2]string{{"closed", "close"}, {"new", "now"}, {"", "new"}, {"über", "uber"}} {
		if sameName(other[0], other[1]) || sameName(other[1], other[0]) {
			t.Errorf("%q and %q are two names", other[0], other[1])
		}
	}
}
