package cli_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// vendorTenant answers as the vendor's description of the attributes and the
// sessions says, and shares no code with the tool.
type vendorTenant struct {
	attributes []vendorAttribute
	// refuse answers instead of the tenant where it returns true. It is given how
	// many requests of that path came before. It may be nil.
	refuse func(w http.ResponseWriter, r *http.Request, before int) bool

	mu      sync.Mutex
	held    map[string]map[string]string // the attributes of the sessions that it has; it takes others all the same
	wrong   map[string]any               // what it answers instead to a PATCH, by session
	uids    map[string]string            // of the sessions that it lists
	asked   []*url.URL                   // each GET
	patches map[string]any
	auth    []string // of each request
}

// vendorAttribute is one in the keys of the description; the options are served
// by a call of their own.
type vendorAttribute struct {
	ID         string `json:"id"`
	UID        string `json:"uid"`
	Label      string `json:"label"`
	DataType   string `json:"data_type"`
	Type       string `json:"type"`
	DateFormat string `json:"date_format,omitempty"`
	Multiple   bool   `json:"allow_multiple_selections"`
	Archived   bool   `json:"archived"`
	Crypt      bool   `json:"crypt"`

	options []string
}

// vendorAttributes are one of each type, behind more than a page of others.
func vendorAttributes() (all []vendorAttribute) {
	add := func(a vendorAttribute) {
		a.ID = idOf(800_000 + len(all))
		all = append(all, a)
	}
	for n := range 130 {
		add(vendorAttribute{UID: fmt.Sprintf("padding_%d", n), Label: fmt.Sprintf("Padding %d", n), DataType: "text field", Type: "TextFieldAttribute"})
	}
	date := func(uid, label, format string) {
		add(vendorAttribute{UID: uid, Label: label, DataType: "date", Type: "DateAttribute", DateFormat: format})
	}
	date("contract_end_date", "End Date", "mm/dd/yyyy")
	date("start_on", "Start", "dd-mm-yyyy")
	add(vendorAttribute{UID: "contract_kind", Label: "Contract Type", DataType: "drop-down", Type: "DropDownAttribute",
		options: []string{"Contractor", "Temporary Worker", "Zürich, Switzerland"}})
	add(vendorAttribute{UID: "areas", Label: "Access Areas", DataType: "check boxes", Type: "CheckBoxesAttribute", Multiple: true,
		options: []string{"Lab", "Cold Store, North", "Parking"}})
	add(vendorAttribute{UID: "shift", Label: "Shift", DataType: "radio buttons", Type: "RadioButtonsAttribute", options: manyOptions(130)})
	add(vendorAttribute{UID: "size_of_shoes", Label: "Größe", DataType: "text field", Type: "TextFieldAttribute"})
	add(vendorAttribute{UID: "manager_a", Label: "Manager", DataType: "owner select", Type: "OwnerSelectAttribute"})
	add(vendorAttribute{UID: "manager_b", Label: "manager", DataType: "text field", Type: "TextFieldAttribute"})
	add(vendorAttribute{UID: "contract_file", Label: "Contract", DataType: "attachment", Type: "AttachmentAttribute"})
	add(vendorAttribute{UID: "old_badge", Label: "Old Badge", DataType: "text field", Type: "TextFieldAttribute", Archived: true})
	return all
}

func manyOptions(n int) (options []string) {
	for i := range n {
		options = append(options, fmt.Sprintf("Shift %03d", i))
	}
	return options
}

func startVendorTenant(t *testing.T) (tenant *vendorTenant, base string) {
	t.Helper()
	tenant = &vendorTenant{attributes: vendorAttributes(), patches: map[string]any{}}
	server := httptest.NewServer(tenant)
	t.Cleanup(server.Close)
	return tenant, server.URL + "/api"
}

func (v *vendorTenant) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	before := v.note(r)
	if v.refuse != nil && v.refuse(w, r, before) {
		return
	}
	path := strings.TrimPrefix(r.URL.Path, "/api/")
	switch id, isSession := strings.CutPrefix(path, "workflow_sessions/"); {
	case path == "ne_attributes" && r.Method == http.MethodGet:
		answerList(w, r, path, v.all())
	case path == "ne_attribute_options" && r.Method == http.MethodGet:
		answerList(w, r, path, v.optionsOf(r.URL.Query().Get("ne_attribute_id")))
	case path == "workflow_sessions" && r.Method == http.MethodGet:
		sessions := []map[string]string{}
		if id := v.uids[r.URL.Query().Get("uid")]; id != "" {
			sessions = append(sessions, map[string]string{"id": id, "uid": r.URL.Query().Get("uid")})
		}
		answerList(w, r, path, sessions)
	case isSession && r.Method == http.MethodPatch:
		v.patch(w, r, id)
	case isSession && r.Method == http.MethodGet && v.has(id):
		answerJSON(w, http.StatusOK, v.session(id))
	default:
		answerJSON(w, http.StatusNotFound, map[string]any{"error": "The requested resource was not found"})
	}
}

func (v *vendorTenant) note(r *http.Request) (before int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.auth = append(v.auth, r.Header.Get("Authorization"))
	for _, u := range v.asked {
		if u.Path == r.URL.Path {
			before++
		}
	}
	if r.Method == http.MethodGet {
		v.asked = append(v.asked, r.URL)
	}
	return before
}

func (v *vendorTenant) optionsOf(id string) (options []map[string]string) {
	for _, a := range v.all() {
		if a.ID != id {
			continue
		}
		for n, text := range a.options {
			options = append(options, map[string]string{"id": idOf(900_000 + n), "uid": fmt.Sprint(n), "ne_attribute_id": id, "option": text})
		}
	}
	return options
}

func (v *vendorTenant) patch(w http.ResponseWriter, r *http.Request, id string) {
	var body map[string]any
	text, err := io.ReadAll(r.Body)
	if err == nil {
		err = json.Unmarshal(text, &body)
	}
	if err != nil {
		answerJSON(w, http.StatusBadRequest, map[string]any{"error": "Invalid JSON syntax. Please check your syntax and try again."})
		return
	}
	v.mu.Lock()
	v.patches[id] = body["workflow_session"]
	wrong, held := v.wrong[id], v.held[id]
	if sent, ok := body["workflow_session"].(map[string]any)["attributes"].(map[string]any); ok && held != nil && wrong == nil {
		for uid, value := range sent {
			held[uid] = fmt.Sprint(value)
		}
	}
	v.mu.Unlock()
	switch {
	case wrong != nil:
		answerJSON(w, http.StatusBadRequest, map[string]any{"error": "The workflow session failed to update", "errors": wrong})
	case held != nil:
		answerJSON(w, http.StatusOK, v.session(id))
	default:
		answerJSON(w, http.StatusOK, map[string]any{"workflow_session": map[string]any{"id": id}})
	}
}

// all returns the attributes.
func (v *vendorTenant) all() []vendorAttribute {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.attributes)
}

// change changes an attribute.
func (v *vendorTenant) change(uid string, fn func(*vendorAttribute)) {
	v.mu.Lock()
	defer v.mu.Unlock()
	fn(&v.attributes[slices.IndexFunc(v.attributes, func(a vendorAttribute) bool { return a.UID == uid })])
}

func (v *vendorTenant) has(id string) bool { return v.holds(id) != nil }

// holds returns the attributes of a session that it has.
func (v *vendorTenant) holds(id string) map[string]string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return maps.Clone(v.held[id])
}

// session is a session as it is shown.
func (v *vendorTenant) session(id string) map[string]any {
	v.mu.Lock()
	defer v.mu.Unlock()
	return map[string]any{"workflow_session": map[string]any{"id": id, "status": "open", "attributes": maps.Clone(v.held[id])}}
}

// answerList answers with a page of a list, by the parameters of the
// description: 100 items where nothing else is asked for.
func answerList[T any](w http.ResponseWriter, r *http.Request, key string, all []T) {
	q := r.URL.Query()
	limit, offset := 100, 0
	for name, n := range map[string]*int{"limit": &limit, "offset": &offset} {
		if text := q.Get(name); text != "" {
			var err error
			if *n, err = strconv.Atoi(text); err != nil || *n < 1 {
				answerJSON(w, http.StatusBadRequest, map[string]any{"error": name + " is invalid"})
				return
			}
		}
	}
	page := all[min(offset, len(all)):]
	page = page[:min(limit, 100, len(page))]
	answer := map[string]any{key: page}
	if q.Get("metadata") == "true" {
		answer["_metadata"] = map[string]any{"limit": limit, "offset": offset, "total": len(all)}
	}
	answerJSON(w, http.StatusOK, answer)
}

func answerJSON(w http.ResponseWriter, status int, answer any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer) // whoever asked may be gone
}

// sent returns what each session was sent.
func (v *vendorTenant) sent() map[string]any {
	v.mu.Lock()
	defer v.mu.Unlock()
	return maps.Clone(v.patches)
}

// gets returns the paths of the GETs, and of the options the attribute's uid.
func (v *vendorTenant) gets() (paths []string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, u := range v.asked {
		path := strings.TrimPrefix(u.Path, "/api/")
		if id := u.Query().Get("ne_attribute_id"); id != "" {
			at := slices.IndexFunc(v.attributes, func(a vendorAttribute) bool { return a.ID == id })
			path += " " + v.attributes[at].UID
		}
		paths = append(paths, path)
	}
	return paths
}

// forget has a tenant forget what it was asked and sent.
func (v *vendorTenant) forget() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.asked, v.patches, v.auth = nil, map[string]any{}, nil
}
