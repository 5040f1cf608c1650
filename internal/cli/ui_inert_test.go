package cli_test

import (
	"fmt"
	"net/http"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// code is a text that runs wherever it is taken for markup.
func code(n int) string {
	return fmt.Sprintf(`"></script></title><script>pwned=%d</script><img src=x onerror=pwned=%d>`, n, n)
}

// poisonedTenant has code in the labels and options of its attributes, in what
// its sessions hold, and in its answers to every other update.
func poisonedTenant(t *testing.T) (base string) {
	const kind = "0000000a-0000-4000-8000-000000000000"
	lists := map[string]string{
		"ne_attributes":        fmt.Sprintf(`{"id":%q,"uid":"kind","label":%q,"archived":false,"data_type":"drop-down","type":"DropDownAttribute"},{"id":%q,"uid":"note","label":"Note","archived":false,"data_type":"text field","type":"TextFieldAttribute"}`, kind, code(1), idOf(0)),
		"ne_attribute_options": fmt.Sprintf(`{"id":%q,"uid":"a","ne_attribute_id":%q,"option":%q},{"id":%q,"uid":"b","ne_attribute_id":%q,"option":"Lab"}`, idOf(1), kind, code(2), idOf(2), kind),
	}
	return answering(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := path.Base(r.URL.Path)
		w.Header().Set("Content-Type", "application/json")
		switch {
		case lists[id] != "":
			fmt.Fprintf(w, `{%q:[%s],"_metadata":{"limit":100,"offset":0,"total":%d}}`, id, lists[id], 1+strings.Count(lists[id], "},{"))
		case r.Method == http.MethodPatch && strings.HasPrefix(id, "0000000"):
			answer := hostile[int(id[7]-'0')%len(hostile)]
			w.Header().Set("Content-Type", answer.kind)
			w.WriteHeader(answer.status)
			_, _ = w.Write([]byte(answer.body))
		default:
			fmt.Fprintf(w, `{"workflow_session":{"id":%q,"status":%q,"attributes":{"kind":%q,"note":%q}}}`, id, code(3), code(4), code(5))
		}
	}))
}

// harmless wants that nothing which the page shows has run or become an element.
func (b *browser) harmless(t *testing.T, where string, shown ...int) {
	t.Helper()
	if in[bool](t, b, "'pwned' in window") {
		t.Errorf("%s: number %v has run", where, in[any](t, b, "window.pwned"))
	}
	if n := in[int](t, b, `document.querySelectorAll('img, iframe, object, embed, svg, h1 *, [onload], [onerror], [onfocus]').length + document.scripts.length`); n != 1 {
		t.Errorf("%s: %d elements have come out of texts", where, n-1)
	}
	for _, n := range shown {
		b.waitFor(t, fmt.Sprintf(`document.body.innerText.includes('pwned=%d')`, n))
	}
}

func TestHostileTextsInABrowser(t *testing.T) {
	t.Parallel()
	b := openBrowser(t)
	p := servePage(t, "NERMBULK_RATE=0", "NERM_TOKEN="+pageToken, "NERMBULK_BASE_URL="+poisonedTenant(t))
	quote := func(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }
	rows := "id,status,attributes.kind,attributes.note," + quote(code(6)) + "\n"
	for i := range 6 {
		kind := []string{"Lab", code(7)}[i/5]
		rows += strings.Join([]string{idOf(i), "completed", quote(kind), quote(code(8)), "x"}, ",") + "\n"
	}
	write(t, filepath.Join(p.dir, "<img src=x onerror=pwned=9>.csv"), rows)
	b.open(t, p.address)
	press(t, b, "#tenant-form button[type=submit]")
	b.atStep(t, 2)
	b.harmless(t, "the list of sheets", 9)
	press(t, b, "[data-post='/open']")
	b.waitFor(t, `document.querySelector('.unknown form') !== null`)
	b.harmless(t, "a header", 6, 9)
	press(t, b, ".unknown [data-field=ignore]")
	b.problems(t, 1)
	b.waitFor(t, shownRows)
	b.harmless(t, "cells, labels and options", 2, 7, 8)
	correctCell(t, b, "7", "Lab")
	press(t, b, "#to-preview")
	b.waitFor(t, `document.querySelector('#go-send') !== null`)
	b.waitFor(t, shownRows)
	b.harmless(t, "what a session holds", 3, 4, 5)
	press(t, b, "#step-2")
	b.atStep(t, 2)
	previewAndSend(t, b, "0")
	b.atStep(t, 5)
	b.waitFor(t, shownRows)
	b.harmless(t, "answers", 1)
	press(t, b, "#fix-failed")
	b.atStep(t, 2)
	b.waitFor(t, shownRows)
	b.harmless(t, "failed rows", 8)
	b.quiet(t, p.own())
}
