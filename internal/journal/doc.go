// Package journal keeps the append-only record of a run: every intent before
// its request leaves and every outcome after it. It is the one source of truth
// from which a run goes on and from which every file that a person reads is
// made. It never decides what an outcome means and never sends anything.
//
// # The file
//
// journal.jsonl holds one JSON object a line. A line counts once its line break
// is there. The key "t" comes first and says what the line is, "crc" comes
// last: the CRC-32C, in eight hexadecimal digits, of the line's bytes before
// `,"crc"`. Times are RFC 3339 in UTC with milliseconds, durations are in
// milliseconds, "row" is the row as Excel shows it, "hash" stands for the id and
// all that is sent. Keys without a value are left out; a reader skips keys and
// values of "t" that it does not know.
//
//	{"t":"start","at":"2026-03-02T21:00:00.000Z","version":"1.0.0","host":"acme.nonemployee.com","sheet":"sessions.csv","sha256":"9f86d08188…","sheet_file":"sheet.csv","rows":20,"edition":1,"crc":"1f2e3d4c"}
//	{"t":"intent","row":17,"run":true,"at":"2026-03-02T21:00:01.250Z","id":"0d0e0f00-…","hash":"00c0ffee00c0ffee","crc":"1f2e3d4c"}
//	{"t":"withdrawn","row":18,"at":"2026-03-02T21:00:01.260Z","id":"5c1d2e00-…","crc":"1f2e3d4c"}
//	{"t":"outcome","row":17,"status":"failed","run":true,"at":"2026-03-02T21:00:01.437Z","id":"0d0e0f00-…","hash":"00c0ffee00c0ffee","http":400,"attempts":1,"ms":187,"error":"end_date can't be blank","error_body":"{…}","note":"…","crc":"1f2e3d4c"}
//	{"t":"before","row":17,"id":"0d0e0f00-…","sent":{"status":"closed"},"session":{"id":"0d0e0f00-…","status":"open"},"crc":"1f2e3d4c"}
//	{"t":"plan","row":17,"id":"0d0e0f00-…","action":"patch","method":"PATCH","path":"/workflow_sessions/0d0e0f00-…","body":{"workflow_session":{}},"changes":"status: open → closed","crc":"1f2e3d4c"}
//	{"t":"tick","at":"2026-03-02T21:00:02.000Z","patch":10,"get":2,"token":1,"throttled":0,"retried":0,"ceiling":9.9,"latency_ms":{"200":9,"500":1},"crc":"1f2e3d4c"}
//	{"t":"end","at":"2026-03-02T21:00:09.000Z","exit":3,"reason":"100 rows failed","finished":false,"crc":"1f2e3d4c"}
//
// A withdrawn intent is one of which nothing can have come. The status of an
// outcome is updated, unchanged, failed, unknown or invalid.
// Of several outcomes of a row the last one counts. A start without an end
// before the next start is a session that was killed.
//
// A resume with an edited sheet gives the rows new numbers, and nothing that was
// recorded is dropped or copied: each row that the run knows gets a line that
// names the edition of the sheet that had it last, and its number there. The
// start of the new edition closes the block, with the number of its lines; one
// without a start was cut short by a kill and counts for nothing.
//
//	{"t":"moved","row":9,"was":17,"edition":1,"crc":"1f2e3d4c"}
//	{"t":"start",…,"sheet_file":"sheet-2.csv","rows":12,"edition":2,"matched":1,"removed":{"sent":3,"not_sent":5},"crc":"1f2e3d4c"}
//
// A row that did not move is no longer in the sheet. Its records can move into a
// later edition.
//
// docs/journal.md shows how to read it with jq.
package journal
