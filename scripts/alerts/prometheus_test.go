package alerts

import (
	"errors"
	"io"
	"log/slog"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/model/textparse"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"
)

// readRules parses and checks the rules as promtool does.
func readRules(t *testing.T) []rulefmt.Rule {
	t.Helper()
	text, err := os.ReadFile("../../samples/prometheus/nermbulk.rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	groups, problems := rulefmt.Parse(text, false, model.UTF8Validation, parser.NewParser(parser.Options{}), slog.New(slog.DiscardHandler))
	if err := errors.Join(problems...); err != nil || len(groups.Groups) != 1 {
		t.Fatalf("%v, %+v", err, groups)
	}
	return groups.Groups[0].Rules
}

// scrape is what a collector read at a time.
type scrape struct {
	at   time.Time
	text string
}

// firing lists the alerts whose expression holds at a time, for a server that has
// these scrapes. How long it has to hold is left out.
func firing(t *testing.T, at time.Time, scrapes ...scrape) []string {
	t.Helper()
	var data memory
	for _, s := range scrapes {
		data.add(t, s)
	}
	engine := promql.NewEngine(promql.EngineOpts{
		MaxSamples: 1000, Timeout: time.Minute, LookbackDelta: 5 * time.Minute, Parser: parser.NewParser(parser.Options{}),
	})
	var names []string
	for _, rule := range readRules(t) {
		query, err := engine.NewInstantQuery(t.Context(), data, promql.NewPrometheusQueryOpts(false, 0, nil), rule.Expr, at)
		if err != nil {
			t.Fatalf("%s: %v", rule.Alert, err)
		}
		got, err := query.Exec(t.Context()).Vector()
		if err != nil {
			t.Fatalf("%s: %v", rule.Alert, err)
		}
		if len(got) > 0 {
			names = append(names, rule.Alert)
		}
		query.Close()
	}
	return names
}

// memory is a storage.Queryable of a few series.
type memory []*series

type series struct {
	labels  labels.Labels
	samples chunks.SampleSlice
}

func (m *memory) add(t *testing.T, s scrape) {
	t.Helper()
	lines := textparse.NewPromParser([]byte(s.text), labels.NewSymbolTable(), false)
	for {
		entry, err := lines.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatalf("the figures cannot be read: %v\n%s", err, s.text)
		}
		if entry != textparse.EntrySeries {
			continue
		}
		var name labels.Labels
		lines.Labels(&name)
		_, _, value := lines.Series()
		at := slices.IndexFunc(*m, func(known *series) bool { return labels.Equal(known.labels, name) })
		if at < 0 {
			*m, at = append(*m, &series{labels: name}), len(*m)
		}
		(*m)[at].samples = append((*m)[at].samples, point{s.at.UnixMilli(), value})
	}
}

func (m memory) Querier(int64, int64) (storage.Querier, error) {
	return &storage.MockQuerier{SelectMockFunction: func(_ bool, _ *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
		found := &seriesSet{at: -1}
		for _, s := range m {
			if !slices.ContainsFunc(matchers, func(m *labels.Matcher) bool { return !m.Matches(s.labels.Get(m.Name)) }) {
				found.list = append(found.list, storage.NewListSeries(s.labels, s.samples))
			}
		}
		return found
	}}, nil
}

type seriesSet struct {
	list []*storage.SeriesEntry
	at   int
}

func (s *seriesSet) Next() bool {
	s.at++
	return s.at < len(s.list)
}
func (s *seriesSet) At() storage.Series                { return s.list[s.at] }
func (s *seriesSet) Err() error                        { return nil }
func (s *seriesSet) Warnings() annotations.Annotations { return nil }

// point is a chunks.Sample of a gauge.
type point struct {
	at    int64
	value float64
}

func (p point) T() int64                      { return p.at }
func (p point) ST() int64                     { return 0 }
func (p point) F() float64                    { return p.value }
func (p point) H() *histogram.Histogram       { return nil }
func (p point) FH() *histogram.FloatHistogram { return nil }
func (p point) Type() chunkenc.ValueType      { return chunkenc.ValFloat }
func (p point) Copy() chunks.Sample           { return p }

var _ storage.Queryable = memory(nil)
