package api

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Attribute is one of a tenant's attributes, with its options where they were
// read. Every value is read leniently, as those of a Session are.
type Attribute struct {
	ID         string   `json:"id"`
	UID        string   `json:"uid"`
	Label      string   `json:"label"`
	DataType   string   `json:"data_type"` // as the tenant spells it: "date", "drop-down", "check boxes", …
	Type       string   `json:"type"`      // the name of a class, such as DropDownAttribute
	DateFormat string   `json:"date_format,omitempty"`
	Multiple   bool     `json:"allow_multiple_selections,omitempty"`
	Archived   bool     `json:"archived"`
	Options    []string `json:"options,omitzero"` // the texts; nil where they were not read
}

// HasOptions reports whether a value of the attribute is one of a list.
func (a Attribute) HasOptions() bool {
	return slices.Contains([]string{"DropDownAttribute", "RadioButtonsAttribute", "CheckBoxesAttribute"}, a.Type) ||
		slices.Contains([]string{"drop-down", "radio buttons", "check boxes"}, a.DataType)
}

// UnmarshalJSON reads an attribute as the tenant shows it, or a file.
func (a *Attribute) UnmarshalJSON(b []byte) error {
	var w *struct {
		ID         lenient         `json:"id"`
		UID        lenient         `json:"uid"`
		Label      lenient         `json:"label"`
		DataType   lenient         `json:"data_type"`
		Type       lenient         `json:"type"`
		DateFormat lenient         `json:"date_format"`
		Multiple   lenient         `json:"allow_multiple_selections"`
		Archived   lenient         `json:"archived"`
		Options    json.RawMessage `json:"options"`
	}
	if err := json.Unmarshal(b, &w); err != nil || w == nil {
		return errors.New("not an attribute")
	}
	*a = Attribute{
		ID: w.ID.value, UID: w.UID.value, Label: w.Label.value, DataType: w.DataType.value, Type: w.Type.value,
		DateFormat: w.DateFormat.value, Multiple: w.Multiple.value == "true", Archived: w.Archived.value == "true",
	}
	if json.Unmarshal(w.Options, &a.Options) != nil {
		a.Options = nil
	}
	return nil
}

func (a Attribute) listKey() string { return cmp.Or(a.ID, a.UID) }
func (Attribute) plural() string    { return "attributes" }

// option is one of the texts that an attribute's value can be.
type option struct {
	ID, Text, AttributeID string
}

func (o option) listKey() string { return cmp.Or(o.ID, o.Text) }
func (option) plural() string    { return "options" }

func parseAttribute(object []byte) (a Attribute, err error) {
	err = unmarshal(object, &a)
	return a, err
}

func parseOption(object []byte) (option, error) {
	var w *struct {
		ID          lenient `json:"id"`
		Text        lenient `json:"option"`
		AttributeID lenient `json:"ne_attribute_id"`
	}
	if err := unmarshal(object, &w); err != nil || w == nil {
		return option{}, errors.New("not an option")
	}
	return option{w.ID.value, w.Text.value, w.AttributeID.value}, nil
}

// Attributes reads all of the tenant's attributes, without their options, with
// retries. They are in the order of their labels. The error is a *ListError, or an *IncompleteError next to what could
// be read.
func (c *Client) Attributes(ctx context.Context) ([]Attribute, error) {
	all, err := readAll(ctx, c, "ne_attributes", Query{}, parseAttribute)
	all = slices.DeleteFunc(all, func(a Attribute) bool { return a.UID == "" })
	slices.SortStableFunc(all, func(a, b Attribute) int {
		return cmp.Or(cmp.Compare(strings.ToLower(a.Label), strings.ToLower(b.Label)), cmp.Compare(a.UID, b.UID))
	})
	return all, err
}

// AttributeOptions reads the options of one attribute, in the tenant's order.
// The errors are as those of Attributes.
func (c *Client) AttributeOptions(ctx context.Context, attributeID string) ([]string, error) {
	options, err := readAll(ctx, c, "ne_attribute_options", Query{AttributeID: attributeID}, parseOption)
	texts := make([]string, 0, len(options))
	for _, o := range options {
		if o.Text != "" && (o.AttributeID == "" || o.AttributeID == attributeID) {
			texts = append(texts, o.Text)
		}
	}
	return texts, err
}

// readAll reads a list whole, each page within PageWait. An *IncompleteError comes
// with what was read.
func readAll[T listed](ctx context.Context, c *Client, path string, q Query, parse func([]byte) (T, error)) (all []T, err error) {
	list := func(ctx context.Context, q Query) (Page[T], Answer) {
		if c.pageWait > 0 {
			turn := time.Duration(0) // until there is one, which is not the tenant's
			if c.rate > 0 {
				turn = time.Duration(float64(time.Second) / c.rate)
			}
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, c.pageWait+turn)
			defer cancel()
		}
		return readList(ctx, c, path, q, parse)
	}
	q.Whole = true
	for page, err := range Pages(ctx, list, q) {
		if err != nil {
			return all, err
		}
		all = append(all, page.Items...)
	}
	return all, nil
}

// AttributesFile is a tenant's attributes as they are kept in a file.
type AttributesFile struct {
	Host       string      `json:"host"`
	ReadAt     time.Time   `json:"read_at"`
	Incomplete bool        `json:"incomplete,omitempty"` // the tenant has more than it gave
	Attributes []Attribute `json:"attributes"`
}

// Write writes the file.
func (f AttributesFile) Write(w io.Writer) error {
	if f.Attributes == nil {
		f.Attributes = []Attribute{}
	}
	out := bufio.NewWriter(w)
	file := json.NewEncoder(out)
	file.SetEscapeHTML(false)
	file.SetIndent("", " ")
	return cmp.Or(file.Encode(f), out.Flush())
}

// ParseAttributesFile reads such a file. Keys that it does not know are passed
// over. The error gives the place in the file where it is no such file.
func ParseAttributesFile(text []byte) (AttributesFile, error) {
	var f AttributesFile
	var doc struct {
		Host       string            `json:"host"`
		ReadAt     time.Time         `json:"read_at"`
		Incomplete bool              `json:"incomplete"`
		Attributes []json.RawMessage `json:"attributes"`
	}
	err := json.Unmarshal(bytes.TrimPrefix(text, []byte("\uFEFF")), &doc)
	syntax, isSyntax := errors.AsType[*json.SyntaxError](err)
	mistyped, isMistyped := errors.AsType[*json.UnmarshalTypeError](err)
	switch {
	case isSyntax:
		return f, fmt.Errorf("line %d: it is not JSON: %w", lineAt(text, syntax.Offset), syntax)
	case isMistyped:
		return f, fmt.Errorf("line %d: %s is %s", lineAt(text, mistyped.Offset), cmp.Or(mistyped.Field, "the document"), mistyped.Value)
	case err != nil:
		return f, err
	case doc.Attributes == nil:
		return f, errors.New(`it holds no "attributes"`)
	}
	f = AttributesFile{Host: doc.Host, ReadAt: doc.ReadAt, Incomplete: doc.Incomplete, Attributes: make([]Attribute, len(doc.Attributes))}
	for i, object := range doc.Attributes {
		if f.Attributes[i], err = parseAttribute(object); err != nil || f.Attributes[i].UID == "" {
			return f, fmt.Errorf("attribute %d is not one, or has no uid", i+1)
		}
	}
	return f, nil
}

// lineAt returns the line of a place in a text, from 1.
func lineAt(text []byte, offset int64) int {
	return 1 + bytes.Count(text[:min(int(offset), len(text))], []byte("\n"))
}
