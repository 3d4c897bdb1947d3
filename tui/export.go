package tui

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"aural/plots"
	"aural/runlog"

	tea "github.com/charmbracelet/bubbletea"
)

// openExport asks for the file of a figure.
func (m *model) openExport() tea.Cmd {
	p := m.ask("export to", m.figureName())
	p.accept = func(m *model, text string) tea.Cmd {
		cmd, err := m.export(text)
		if err != nil {
			m.tell("", err)
		}
		return cmd
	}
	return nil
}

// figureName is the name of a figure of the present screen: in the run's folder of figures, or the current one where nothing
// may be written into the run.
func (m *model) figureName() string {
	r := m.run()
	name := fmt.Sprintf("%s-%s-%d.svg", r.name, strings.NewReplacer(" & ", "-", " ", "-").Replace(m.screenNames()[m.view.screen]), r.updates())
	if _, local := r.source.(*follower); !local || m.view.readonly {
		return name
	}
	return filepath.Join(r.dir, runlog.PlotsDir, name)
}

// figureFile reads the name of a figure: "a.svg", or "a.svg+csv" and "a.svg+csv+json" with its data beside it.
func figureFile(text string) (path string, o plots.Options, err error) {
	parts := strings.Split(strings.TrimSpace(text), "+")
	path = parts[0]
	for len(parts) > 1 {
		switch last := parts[len(parts)-1]; last {
		case "csv":
			o.CSV = true
		case "json":
			o.JSON = true
		default:
			return "", o, fmt.Errorf("export %s: data beside the figure are csv or json, not %q", text, last)
		}
		parts = parts[:len(parts)-1]
	}
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", o, err
		}
		path = filepath.Join(home, rest)
	}
	if !slices.Contains(plots.Formats(), strings.ToLower(filepath.Ext(path))) {
		return "", o, fmt.Errorf("export %s: the file must end in one of %s", text, strings.Join(plots.Formats(), ", "))
	}
	return path, o, nil
}

// export writes what is visible as a figure, beside the screen: the picture is taken now. A file that exists is asked about.
func (m *model) export(text string) (tea.Cmd, error) {
	path, o, err := figureFile(text)
	if err != nil {
		return nil, err
	}
	v, err := m.visible()
	if err != nil {
		return nil, err
	}
	x := &exporting{path: path, view: v, options: o}
	return x.write(false), nil
}

// exporting is a figure on its way to a file.
type exporting struct {
	path    string
	view    plots.View
	options plots.Options
}

// write writes the figure; over a file that exists only when that was agreed to.
func (x *exporting) write(over bool) tea.Cmd {
	return func() tea.Msg {
		for _, path := range x.files() {
			if _, err := os.Stat(path); !over && !errors.Is(err, fs.ErrNotExist) {
				if err != nil {
					return doneMsg{err: fmt.Errorf("export: %w", err)}
				}
				return existsMsg{x, path}
			}
		}
		if err := plots.RenderView(x.path, x.view, x.options); err != nil {
			return doneMsg{err: fmt.Errorf("export: %w", err)}
		}
		return doneMsg{text: "wrote " + strings.Join(x.files(), ", ")}
	}
}

// files are the files that are written.
func (x *exporting) files() []string {
	out := []string{x.path}
	base := strings.TrimSuffix(x.path, filepath.Ext(x.path))
	if x.options.CSV {
		out = append(out, base+".csv")
	}
	if x.options.JSON {
		out = append(out, base+".json")
	}
	return out
}

// existsMsg says that a figure would replace a file.
type existsMsg struct {
	figure *exporting
	path   string
}

func (msg existsMsg) apply(m *model) tea.Cmd {
	m.question(msg.path+" exists: replace it?", func(*model) tea.Cmd { return msg.figure.write(true) })
	return nil
}
