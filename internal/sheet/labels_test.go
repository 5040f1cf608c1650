package sheet

import (
	"slices"
	"strings"
	"testing"
)

// tenant has what makes labels difficult.
var tenant = NewLabels([]Label{
	{UID: "end_date", Label: "End Date"},
	{UID: "größe", Label: "Größe"},
	{UID: "manager", Label: "Line manager"},
	{UID: "manager_2", Label: "Manager"},
	{UID: "dept", Label: "Department"},
	{UID: "dept_old", Label: "department", Archived: true},
	{UID: "old", Label: "Old code", Archived: true},
	{UID: "photo", Label: "Photo", Attachment: true},
	{UID: "state", Label: "Status"},
	{UID: "unit", Label: "Org. unit"},
	{UID: "utc", Label: "End (UTC)"},
	{UID: "a.b", Label: ""},
	{UID: "", Label: "Nothing"},
	{UID: "end_date", Label: "Told twice"},
})

// resolved opens a sheet as a run does, the tenant's attributes after it.
func resolved(t testing.TB, header string, o Options) (*Sheet, error) {
	t.Helper()
	o.LabelsLater = true
	cells := strings.Repeat(",x", strings.Count(header, ","))
	s := open(t, write(t, header+"\n1"+cells+"\n"), o)
	fields := testFields
	fields.Labels = tenant
	return s, s.Resolve(t.Context(), fields)
}

func TestLabels(t *testing.T) {
	for _, tt := range []struct {
		name, header string
		unknown      UnknownColumns
		maps         string // COLUMN=FIELD
		uid          string // of the column behind id; empty for none
		field        Field
		kind         Kind // of the only problem or warning; empty for none
		message      string
	}{
		{name: "a label", header: "End Date", uid: "end_date"},
		{name: "without case, spaces and hyphens", header: " end-DATE", uid: "end_date"},
		{name: "in another normal form", header: "Gro\u0308\u00dfe", uid: "größe"},
		{name: "with its uid", header: "End Date (end_date)", uid: "end_date"},
		{name: "with its uid, spaced out", header: "end_date  ( end_date )", uid: "end_date"},
		{name: "with a point in it", header: "Org. Unit", uid: "unit"},
		{name: "with brackets in it", header: "End (UTC)", uid: "utc"},
		{name: "with the uid of another", header: "End Date (dept)", kind: UnknownColumn, message: `"End Date (dept)" is not a field`},
		{name: "a field before a label", header: "Status", field: "status"},
		{name: "a field's label with its uid", header: "Status (state)", uid: "state"},
		{name: "of two attributes", header: "Department", kind: AmbiguousColumn,
			message: `"Department" is the label of 2 attributes: dept, dept_old (archived); say which with its uid: rename the column, for instance to "Department (dept)", or use --map 'Department=attributes.dept'`},
		{name: "of two, also where others are ignored", header: "Department", unknown: UnknownIgnore, kind: AmbiguousColumn},
		{name: "of two, with the uid", header: "Department (dept)", uid: "dept"},
		{name: "of an archived one, with the uid", header: "Department (dept_old)", uid: "dept_old", kind: AttributeArchived, message: `dept_old ("department") is archived`},
		{name: "of an archived one", header: "Old code", uid: "old", kind: AttributeArchived},
		{name: "of an attachment", header: "Photo", uid: "photo", kind: AttributeAttachment, message: `photo ("Photo") is an attachment`},
		{name: "an attachment's uid", header: "attributes.photo", uid: "photo", kind: AttributeAttachment},
		{name: "a uid", header: "attributes.end_date", uid: "end_date"},
		{name: "a uid in another normal form", header: "attr.gro\u0308\u00dfe", uid: "größe"},
		{name: "a uid with a point", header: "attributes.a.b", uid: "a.b"},
		{name: "a uid in another case", header: "attributes.End_Date", uid: "End_Date", kind: AttributeUnknown,
			message: `the tenant has no attribute "End_Date"; did you mean end_date ("End Date")? Rename the column, or use --map 'attributes.End_Date=attributes.end_date'`},
		{name: "a label in the place of a uid", header: "attributes.Old code", uid: "Old code", kind: AttributeUnknown, message: `did you mean old ("Old code")?`},
		{name: "no uid at all", header: "attributes.salary", uid: "salary", kind: AttributeUnknown, message: "`nermbulk attributes` lists those that it has"},
		{name: "a misspelt label", header: "End Dat", kind: UnknownColumn, message: `did you mean "End Date"? Rename it, or use --map 'End Dat=End Date'`},
		{name: "a misspelt label of two", header: "Departmen", kind: UnknownColumn, message: `did you mean "attributes.dept"?`},
		{name: "a misspelt label, ignored", header: "End Dat", unknown: UnknownIgnore},
		{name: "a bare uid by the flag", header: "dept", unknown: UnknownAttribute, uid: "dept"},
		{name: "a bare uid before another's label", header: "manager", unknown: UnknownAttribute, uid: "manager"},
		{name: "a label by the flag", header: "Manager", unknown: UnknownAttribute, uid: "manager_2"},
		{name: "an unknown uid by the flag", header: "salary", unknown: UnknownAttribute, uid: "salary", kind: AttributeUnknown},
		{name: "mapped to a label", header: "Contract end", maps: "Contract end=end date", uid: "end_date"},
		{name: "mapped to a label with its uid", header: "x", maps: "x=Department (dept)", uid: "dept"},
		{name: "a label mapped to another attribute", header: "End Date", maps: "End Date=attributes.dept", uid: "dept"},
		{name: "a label mapped to a field", header: "End Date", maps: "End Date=run", field: "run"},
		{name: "a label of two, mapped", header: "Department", maps: "Department=attributes.dept", uid: "dept"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := Options{Unknown: tt.unknown}
			if tt.maps != "" {
				m, err := testFields.ParseMapping(tt.maps)
				if err != nil {
					t.Fatal(err)
				}
				o.Columns = []Mapping{m}
			}
			s, err := resolved(t, `id,"`+tt.header+`"`, o)
			if err != nil {
				t.Fatal(err)
			}
			field := tt.field
			if tt.uid != "" {
				field = Attribute
			}
			if c := s.Columns()[1]; c.UID != tt.uid || c.Field != field {
				t.Errorf("the column is %+v", c)
			}
			found := append(s.Problems(), s.Warnings()...)
			if tt.kind == "" && len(found) > 0 || tt.kind != "" && (len(found) != 1 || found[0].Kind != tt.kind) {
				t.Fatalf("got %+v, want %q", found, tt.kind)
			}
			if tt.kind != "" && (!strings.Contains(found[0].Message, inOwnQuotes(tt.message)) || found[0].Column != "B" || found[0].Row != 1 || found[0].Header != tt.header) {
				t.Errorf("got %+v, want %q", found[0], tt.message)
			}
		})
	}
}

// TestRepeatedLabels is about two columns that are one attribute, in two ways.
func TestRepeatedLabels(t *testing.T) {
	s, err := resolved(t, "id,End Date,attributes.end_date", Options{})
	if err != nil {
		t.Fatal(err)
	}
	if p := s.Problems(); len(p) != 1 || p[0].Kind != DuplicateColumn || p[0].Column != "C" || !strings.Contains(p[0].Message, "column B (End Date) is sent as attributes.end_date already") {
		t.Errorf("got %+v", p)
	}
}

func TestMappingsThatAreRefusedWithLabels(t *testing.T) {
	for _, tt := range []struct{ name, field, message string }{
		{"no field and no label", "somewhere else", `"somewhere else" is not a field, and no attribute's label; use one of id`},
		{"the label of two", "Department", "is the label of 2 attributes: dept, dept_old (archived): use one of their uids"},
		{"a misspelt label", "End Dat", `did you mean "End Date"?`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := resolved(t, "id,x", Options{Columns: []Mapping{{Column: "x", Field: tt.field}}})
			wantOptionError(t, err, "--map", tt.message)
		})
	}
}

// TestResolve reads a header whose labels decide what divides it, and one that
// was read with a tenant before.
func TestResolve(t *testing.T) {
	s, err := resolved(t, "id;End Date,x;Org. unit, y", Options{Unknown: UnknownIgnore})
	if err != nil || s.Delimiter() != ';' {
		t.Fatalf("divided by %q, %v", s.Delimiter(), err)
	}
	s, err = resolved(t, "id,End Date", Options{})
	if err != nil || len(s.Problems()) > 0 {
		t.Fatal(s.Problems(), err)
	}
	names := func() (kinds []Kind) {
		t.Helper()
		if err := s.Each(t.Context(), func(r *Row) error {
			if want := []string{"1", "x"}; !slices.Equal(r.Cells, want) {
				t.Errorf("got %q", r.Cells)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		for _, p := range s.Problems() {
			kinds = append(kinds, p.Kind)
		}
		return kinds
	}
	if kinds := names(); kinds != nil {
		t.Errorf("with the tenant: %v", kinds)
	}
	if err := s.Resolve(t.Context(), testFields); err != nil {
		t.Fatal(err)
	}
	if kinds := names(); !slices.Equal(kinds, []Kind{UnknownColumn}) {
		t.Errorf("without the tenant: %v", kinds)
	}
	// A file that is no sheet has no header to be read again.
	s = open(t, write(t, "%PDF-1.7\n"), Options{})
	if err := s.Resolve(t.Context(), testFields); err != nil || len(s.Problems()) != 1 || s.Problems()[0].Kind != NotASheet {
		t.Error(s.Problems(), err)
	}
}

// TestAdviceOfUnknownColumns: a label that nothing explains yet is not to be made
// a uid by hand.
func TestAdviceOfUnknownColumns(t *testing.T) {
	for _, tt := range []struct{ name, header, message string }{
		{"a label with its uid", "End Date (end_date)", "an attribute's label is known with --tenant NAME or --attributes FILE; to send it as an attribute use --map 'End Date (end_date)=attributes.end_date' or"},
		{"brackets that hold no uid", "Badge (old one)", "--map 'Badge (old one)=attributes.badge_(old_one)'"},
		{"a label", "End Date", "--map 'End Date=attributes.end_date'"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t, write(t, "id,"+tt.header+"\n1,x\n"), Options{})
			if found := s.Problems(); len(found) != 1 || !strings.Contains(found[0].Message, inOwnQuotes(tt.message)) {
				t.Errorf("%v does not say %q", found, tt.message)
			}
		})
	}
	s, err := resolved(t, "id,somewhere else", Options{})
	const message = "\"somewhere else\" is not a field, and no attribute's label; `nermbulk attributes` lists those of the tenant; to leave it out use --map 'somewhere else=ignore'"
	if found := s.Problems(); err != nil || len(found) != 1 || found[0].Message != inOwnQuotes(message) {
		t.Errorf("%v (%v)", found, err)
	}
}

// TestResolveDates has a column's dates get their form with its meaning: a copy
// of the workbook is to be read as the workbook is.
func TestResolveDates(t *testing.T) {
	b := oneSheet(`<row>`+inline("id")+inline("End Date")+inline("Start")+`</row>`, `<row>`+inline("x")+`<c s="1"><v>46402</v></c><c s="1"><v>46403</v></c></row>`)
	b.styles = testStyles
	s := b.open(t, Options{LabelsLater: true, DateLayouts: func(columns []Column) []string {
		layouts := make([]string, len(columns))
		for i, c := range columns {
			if c.Field == Attribute && c.UID == "end_date" {
				layouts[i] = "02.01.2006"
			}
		}
		return layouts
	}})
	fields, before := testFields, s.CopySHA256()
	fields.Labels = NewLabels([]Label{{UID: "end_date", Label: "End Date"}, {UID: "start", Label: "Start"}})
	for range 2 {
		if err := s.Resolve(t.Context(), fields); err != nil || len(s.Problems()) > 0 {
			t.Fatal(s.Problems(), err)
		}
		if got, want := lines(t, s), []string{"2: x|15.01.2027|2027-01-16"}; !slices.Equal(got, want) {
			t.Errorf("%q, not %q", got, want)
		}
	}
	var copied strings.Builder
	if err := s.WriteCopy(&copied); err != nil || !strings.Contains(copied.String(), "x,15.01.2027,2027-01-16") || s.CopySHA256() == before {
		t.Errorf("the copy is %q (%v)", copied.String(), err)
	}
}
