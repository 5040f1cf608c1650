package sandbox

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"time"
)

// one is the answer that bears one session.
func one(now *regime, s Session) answer {
	b := make([]byte, 0, 1024)
	b = append(b, `{"workflow_session":`...)
	b = appendSession(b, now, s)
	return answer{status: http.StatusOK, body: append(b, '}')}
}

// appendSession writes a session as the API gives it. It is written by hand
// since it is half of what an update costs here.
func appendSession(b []byte, now *regime, s Session) []byte {
	status := s.Status
	if now.Spaced {
		status = spaced(status)
	}
	b = appendMember(b, '{', "id", s.ID)
	b = appendMember(b, ',', fieldUID, s.UID)
	b = appendMember(b, ',', fieldWorkflowID, s.WorkflowID)
	b = appendMember(b, ',', fieldRequesterID, s.RequesterID)
	b = appendMember(b, ',', fieldRequesterType, s.RequesterType)
	b = appendMember(b, ',', fieldProfileID, s.ProfileID)
	b = append(b, `,"profile_ids":[`...)
	for i, id := range s.ProfileIDs {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, id)
	}
	b = append(b, ']')
	b = appendMember(b, ',', fieldStatus, status)
	b = append(b, `,"attributes":{`...)
	for i, uid := range slices.Sorted(maps.Keys(s.Attributes)) {
		if i > 0 {
			b = append(b, ',')
		}
		value := s.Attributes[uid]
		if now.Names {
			value = asNames(value)
		}
		b = appendString(b, uid)
		b = append(b, ':')
		b = appendString(b, value)
	}
	b = append(b, `},"created_at":"`...)
	b = s.CreatedAt.UTC().AppendFormat(b, time.RFC3339Nano)
	b = append(b, `","updated_at":"`...)
	b = s.UpdatedAt.UTC().AppendFormat(b, time.RFC3339Nano)
	return append(b, `"}`...)
}

// appendMember writes a member of an object; an empty value is null.
func appendMember(b []byte, before byte, name, value string) []byte {
	b = append(b, before, '"')
	b = append(b, name...)
	b = append(b, `":`...)
	if value == "" {
		return append(b, `null`...)
	}
	return appendString(b, value)
}

// appendString writes a JSON string; one that needs escaping goes the long way.
func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			quoted, _ := json.Marshal(s) // a string always marshals
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}
