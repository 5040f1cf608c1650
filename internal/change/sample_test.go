package change

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"nermbulk/internal/api"
	"nermbulk/internal/sheet"
)

// TestSampleWorkbook plans a template that was filled in, as it is and as a
// spreadsheet program saves it again: real dates are in each attribute's format,
// options in the tenant's spelling.
func TestSampleWorkbook(t *testing.T) {
	const sample = "../../samples/contractors.xlsx"
	t.Run("as it is", func(t *testing.T) { planSample(t, sample) })
	t.Run("saved by LibreOffice", func(t *testing.T) {
		office, err := exec.LookPath("soffice")
		if err != nil {
			t.Skip("LibreOffice is not installed")
		}
		dir := t.TempDir()
		c := exec.CommandContext(t.Context(), office, "-env:UserInstallation=file://"+filepath.ToSlash(dir)+"/profile", "--headless", "--convert-to", "xlsx", "--outdir", dir, sample)
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("LibreOffice: %v\n%s", err, out)
		}
		planSample(t, filepath.Join(dir, filepath.Base(sample)))
	})
}

func planSample(t *testing.T, path string) {
	t.Helper()
	rules := defaultRules()
	rules.Attributes = NewAttributes([]api.Attribute{
		{UID: "end_date", Label: "End Date", DataType: "date", DateFormat: "mm/dd/yyyy"},
		{UID: "trained_on", Label: "Trained On", DataType: "date", DateFormat: "dd-mm-yyyy"},
		{UID: "location", Label: "Location", DataType: "drop-down", Options: []string{"Berlin", "Lisbon", "Paris, La Défense"}},
		{UID: "contract_type", Label: "Contract Type", DataType: "radio buttons", Options: []string{"Contractor", "Consultant"}},
		{UID: "access_areas", Label: "Access Areas", DataType: "check boxes", Options: []string{"Lab", "Parking", "Warehouse, Cold Store"}},
		{UID: "employment_status", Label: "Status", DataType: "drop-down", Options: []string{"Active", "On Leave"}},
		{UID: "badge", Label: "Badge", DataType: "text field"},
	})
	s, err := sheet.Open(t.Context(), path, sheet.Options{Fields: SheetFields(), LabelsLater: true, Scratch: func() (*os.File, error) {
		return os.CreateTemp(t.TempDir(), "")
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Resolve(t.Context(), rules.Attributes.SheetFields()); err != nil || len(s.Problems()) > 0 {
		t.Fatal(s.Problems(), err)
	}
	planner := NewPlanner(s, rules)
	var bodies []string
	err = s.Each(t.Context(), func(row *sheet.Row) error {
		if problems := planner.Plan(row); len(problems) > 0 {
			t.Errorf("row %d: %v", row.Number, problems)
		}
		bodies = append(bodies, string(planner.Change.Body))
		return nil
	})
	want := []string{
		`{"workflow_session":{"status":"completed","attributes":{"access_areas":"Lab,Warehouse, Cold Store","end_date":"01/15/2027","location":"Lisbon"}}}`,
		`{"workflow_session":{"status":"pending_approval","attributes":{"contract_type":"Consultant","location":"Paris, La Défense","trained_on":"01-12-2026"}}}`,
		`{"workflow_session":{"attributes":{"access_areas":"Parking","badge":"","end_date":"06/30/2027"}}}`,
		`{"workflow_session":{"attributes":{"badge":"007","employment_status":"On Leave","end_date":"03/31/2027"}}}`,
	}
	if err != nil || !slices.Equal(bodies, want) {
		t.Errorf("got %q, %v", bodies, err)
	}
}
