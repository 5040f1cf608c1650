package api

import "context"

// List reads one page of sessions, with retries: see readList.
func (c *Client) List(ctx context.Context, q Query) (Page[Session], Answer) {
	return readList(ctx, c, "workflow_sessions", q, ParseSession)
}

func (s Session) listKey() string { return s.ID }
func (Session) plural() string    { return "sessions" }
