package api

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

const benchID = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"

var benchBody = []byte(`{"workflow_session":{"status":"pending_approval","attributes":{"end_date":"01/15/2027","department":"Finance","cost_center":"CC-1204","manager":"Jo March"}}}`)

// loopbackTenant answers every request with the same session, doing as little
// as a server can, so that a benchmark measures the client.
func loopbackTenant(b *testing.B) string {
	b.Helper()
	session := `{"workflow_session":{"id":"` + benchID + `","uid":"contractor_update","workflow_id":"b6a3c5de-0000-4000-8000-000000000001","requester_id":"b6a3c5de-0000-4000-8000-000000000002","requester_type":"NeprofileUser","profile_id":"b6a3c5de-0000-4000-8000-000000000003","status":"pending_approval","attributes":{"end_date":"01/15/2027","department":"Finance","cost_center":"CC-1204","manager":"Jo March"},"created_at":"2026-01-15T10:00:00.000Z","updated_at":"2026-08-01T10:00:00.000Z"}}`
	answer := []byte("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " + strconv.Itoa(len(session)) + "\r\n\r\n" + session)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go serveCanned(conn, answer)
		}
	}()
	return "http://" + l.Addr().String() + "/api"
}

func serveCanned(conn net.Conn, answer []byte) {
	defer conn.Close()
	r := bufio.NewReader(conn)
	for {
		length := 0
		for {
			line, err := r.ReadSlice('\n')
			if err != nil {
				return
			}
			if len(line) <= 2 {
				break
			}
			if name, value, ok := bytes.Cut(line, []byte(":")); ok && strings.EqualFold(string(name), "Content-Length") {
				length, _ = strconv.Atoi(string(bytes.TrimSpace(value)))
			}
		}
		if _, err := r.Discard(length); err != nil {
			return
		}
		if _, err := conn.Write(answer); err != nil {
			return
		}
	}
}

// BenchmarkPatch is what one PATCH costs, beside an http.Client that does no
// more than send it and read the answer. Both share the cores with the server.
func BenchmarkPatch(b *testing.B) {
	b.Run("client", func(b *testing.B) {
		auth, err := StaticToken("benchmark-token", "bearer")
		if err != nil {
			b.Fatal(err)
		}
		c, err := New(Options{BaseURL: loopbackTenant(b), Auth: auth, Workers: 32})
		if err != nil {
			b.Fatal(err)
		}
		defer c.Close()
		b.ReportAllocs()
		b.SetParallelism(16)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if a := c.Patch(context.Background(), Request{ID: benchID, Body: benchBody}); a.Verdict != OK {
					b.Errorf("%v: %s", a.Verdict, a.Message)
					return
				}
			}
		})
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	})
	b.Run("plain", func(b *testing.B) {
		base := loopbackTenant(b)
		transport := &http.Transport{MaxIdleConnsPerHost: 32, DisableCompression: true}
		defer transport.CloseIdleConnections()
		client := &http.Client{Transport: transport, Timeout: defaultTimeout}
		b.ReportAllocs()
		b.SetParallelism(16)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if err := plainPatch(client, base); err != nil {
					b.Error(err)
					return
				}
			}
		})
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	})
}

func plainPatch(client *http.Client, base string) error {
	req, err := http.NewRequest(http.MethodPatch, base+"/workflow_sessions/"+benchID, bytes.NewReader(benchBody))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "nermbulk")
	req.Header.Set("Authorization", "Bearer benchmark-token")
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("HTTP %d", resp.StatusCode)
	}
	return nil
}

// BenchmarkDecode is the reading of one answer.
func BenchmarkDecode(b *testing.B) {
	body := []byte(`{"workflow_session":{"id":"` + benchID + `","uid":"contractor_update","status":"pending_approval","attributes":{"end_date":"01/15/2027","department":"Finance","cost_center":"CC-1204","manager":"Jo March"},"created_at":"2026-01-15T10:00:00.000Z"}}`)
	q := call{id: benchID, does: idempotent}
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if _, problem := q.accept(body); problem != "" {
			b.Fatal(problem)
		}
	}
}
