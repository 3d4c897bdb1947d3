package runlog

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"
)

// LogLine is a line of the log.
type LogLine struct {
	Time    time.Time
	Level   slog.Level
	Message string
	Attrs   string // "key=value key=value", sorted by key
}

// parseLogLine reads the body of a line (see checkLine) that slog's JSON handler wrote.
func parseLogLine(body []byte) (LogLine, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(closeObject(body), &fields); err != nil {
		return LogLine{}, err
	}
	var l LogLine
	for key, to := range map[string]any{slog.TimeKey: &l.Time, slog.LevelKey: &l.Level, slog.MessageKey: &l.Message} {
		if err := json.Unmarshal(fields[key], to); err != nil {
			return LogLine{}, fmt.Errorf("log line: %s: %w", key, err)
		}
		delete(fields, key)
	}
	attrs := make([]string, 0, len(fields))
	for key, value := range fields {
		text := string(value)
		var s string
		if json.Unmarshal(value, &s) == nil && !strings.ContainsAny(s, " \"=\n\t") {
			text = s // a plain word needs no quotes
		}
		attrs = append(attrs, key+"="+text)
	}
	slices.Sort(attrs)
	l.Attrs = strings.Join(attrs, " ")
	return l, nil
}
