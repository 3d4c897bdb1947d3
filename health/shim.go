package health

import (
	"aural/runlog"
	"time"
)

type Level int

const (
	Healthy Level = iota
	Watch
	Broken
)

type Finding struct {
	Rule                    string
	Level                   Level
	Since                   int64
	Title, Evidence, Advice string
}
type Report struct {
	Level    Level
	Summary  string
	Step     int64
	Findings []Finding
	Rules    []string
}
type Input struct{}

func FromLog(r *runlog.Reader, now time.Time) Input { return Input{} }
func Examine(Input) Report                          { return Report{Summary: "HEALTHY: nothing to judge yet"} }
