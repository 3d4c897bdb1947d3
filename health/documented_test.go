package health

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the list of rules in docs/HEALTH.md")

// docs/HEALTH.md lists the rules as they are, and what they say about the logs in testdata.
func TestDocumented(t *testing.T) {
	const path = "../docs/HEALTH.md"
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	for name, content := range map[string]string{"rules": rulesText(), "measured": measuredText(t)} {
		head, rest, ok := strings.Cut(text, "<!-- "+name+" -->\n")
		_, tail, ok2 := strings.Cut(rest, "<!-- end of "+name+" -->")
		if !ok || !ok2 {
			t.Fatalf("%s has no marks around its part %q", path, name)
		}
		text = head + "<!-- " + name + " -->\n" + content + "<!-- end of " + name + " -->" + tail
	}
	if text == string(data) {
		return
	}
	if !*update {
		t.Fatalf("%s does not list the rules, and what they measure, as they are: go test ./health -run TestDocumented -update", path)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func measuredText(t *testing.T) string {
	var b strings.Builder
	b.WriteString("| run | broken by | rule | fires from update | and then at | other alarms, records |\n|---|---|---|---|---|---|\n")
	for _, c := range brokenRuns {
		in, _ := recorded(t, c.name)
		m := measure(in, c.rule)
		var others []string
		for _, name := range slices.Sorted(maps.Keys(m.others)) {
			others = append(others, fmt.Sprintf("%s %d", name, m.others[name]))
		}
		fmt.Fprintf(&b, "| %s | %s | %s, %v | %d of %d | %d of %d records | %s |\n", c.name, c.how, c.rule, c.level, m.first, in.last(), m.hits, m.after, strings.Join(others, ", "))
	}
	b.WriteString("\n| healthy run | recipe and data | updates | verdicts | false alarms | rules judged |\n|---|---|---|---|---|---|\n")
	for _, c := range healthyRuns {
		in, _ := recorded(t, c.name)
		alarms := 0
		steps := in.steps()
		for _, step := range steps {
			if Examine(in.at(step)).Level > Healthy {
				alarms++
			}
		}
		fmt.Fprintf(&b, "| %s | %s | %d | %d | %d | %d of %d |\n", c.name, c.how, in.last(), len(steps), alarms, len(Examine(in.at(in.last())).Rules), len(Rules()))
	}
	return b.String()
}

// last is the update of the last record.
func (in Input) last() int64 {
	steps := in.steps()
	return steps[len(steps)-1]
}

func rulesText() string {
	var b strings.Builder
	for _, r := range Rules() {
		level := "note"
		if r.Level > Healthy {
			level = "up to " + r.Level.String()
		}
		fmt.Fprintf(&b, "**%s** (%s): %s. %s%s\n", r.Name, level, r.Title, strings.ToUpper(r.Description[:1]), r.Description[1:])
		if len(r.Limits) > 0 {
			b.WriteString("\n| threshold | | reason |\n|---|---|---|\n")
		}
		for _, l := range r.Limits {
			fmt.Fprintf(&b, "| %s | %s | %s |\n", l.Name, strings.TrimSpace(fmt.Sprintf("%g %s", l.Value, l.Unit)), l.Reason)
		}
		b.WriteByte('\n')
	}
	return b.String()
}
