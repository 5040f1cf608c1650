package main

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
)

const header = "id,status,workflow_id,requester_type,requester_id,profile_id,run,attributes.full_name,attributes.department,attributes.end_date,attributes.badge,attributes.notes\r\n"

var statuses = []string{"completed", "pending_approval", "rejected", "closed", "assigned"}

// row returns the cells of a row of 12 columns, about 240 bytes.
func row(random *rand.Rand, i int) []string {
	return []string{
		uuid(random), statuses[i%len(statuses)], fixedUUID(i % 5), "User", fixedUUID(i%5 + 5), fixedUUID(i%7 + 10), "",
		fmt.Sprintf("Person Number %d", i), "Facilities", fmt.Sprintf("%02d/%02d/2026", i%12+1, i%28+1),
		fmt.Sprintf("B-%04d", i%9999), fmt.Sprintf("some notes about row %d", i),
	}
}

func uuid(random *rand.Rand) string {
	a, b := random.Uint64(), random.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-a%03x-%012x", a>>32, a>>16&0xffff, a&0xfff, b>>52, b&0xffffffffffff)
}

func fixedUUID(i int) string { return fmt.Sprintf("%08x-0000-4000-8000-000000000000", i+1) }

// sheet writes a sheet and, if there is a server's address, the same changes as
// JSON targets for vegeta.
func (b *bench) sheet(rows int, addr string) (sheet, targets string, err error) {
	random := rand.New(rand.NewPCG(1, uint64(rows)))
	sheet = filepath.Join(b.dir, fmt.Sprintf("sheet-%d.csv", rows))
	targets = filepath.Join(b.dir, "targets.json")
	s, err := os.Create(sheet)
	if err != nil {
		return "", "", err
	}
	defer s.Close()
	t, err := os.Create(targets)
	if err != nil {
		return "", "", err
	}
	defer t.Close()
	sw, tw := bufio.NewWriterSize(s, 1<<20), bufio.NewWriterSize(t, 1<<20)
	fmt.Fprint(sw, header)
	for i := range rows {
		c := row(random, i)
		fmt.Fprint(sw, strings.Join(c, ","), "\r\n") // Flush returns the error
		if addr != "" {
			if err := json.NewEncoder(tw).Encode(target(c, addr)); err != nil {
				return "", "", err
			}
		}
	}
	if err := sw.Flush(); err != nil {
		return "", "", err
	}
	return sheet, targets, tw.Flush()
}

// target returns the request that a row becomes.
func target(c []string, addr string) map[string]any {
	body := fmt.Sprintf(`{"workflow_session":{"status":%q,"workflow_id":%q,"requester_id":%q,"requester_type":"User","profile_id":%q,"attributes":{"badge":%q,"department":%q,"end_date":%q,"full_name":%q,"notes":%q}}}`,
		c[1], c[2], c[4], c[5], c[10], c[8], c[9], c[7], c[11])
	return map[string]any{
		"method": "PATCH", "url": "http://" + addr + "/api/workflow_sessions/" + c[0],
		"body": base64.StdEncoding.EncodeToString([]byte(body)),
		"header": map[string][]string{
			"Content-Type": {"application/json"}, "Accept": {"application/json"}, "Authorization": {"Bearer token"},
		},
	}
}

// wideSheet writes a sheet whose rows have some attributes of some bytes each.
func (b *bench) wideSheet(rows, attributes, size int) (path string, err error) {
	path = filepath.Join(b.dir, "wide.csv")
	f, err := os.Create(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	fmt.Fprint(w, "id")
	for i := range attributes {
		fmt.Fprintf(w, ",attributes.number_%04d", i)
	}
	fmt.Fprint(w, "\r\n")
	random := rand.New(rand.NewPCG(2, uint64(attributes)))
	cells := strings.Repeat(","+strings.Repeat("v", size), attributes)
	for range rows {
		fmt.Fprint(w, uuid(random), cells, "\r\n") // Flush returns the error
	}
	return path, w.Flush()
}
