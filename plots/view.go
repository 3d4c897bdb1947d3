package plots

// View is a figure given as data instead of a log: what a terminal shows at a moment, for [RenderView]. The zero value of
// every field but Panels is a good choice.
type View struct {
	Title   string // above all panels
	Note    string // small, at the top right: the run, the smoothing
	Columns int    // panels side by side; 0 chooses by their number
	Panels  []ViewPanel
}

// ViewPanel is one pair of axes with what is drawn in it: curves with lines and bands behind them, or bars, or a heat map, or a
// spectrogram. A panel with none of them says that nothing was recorded.
type ViewPanel struct {
	Title string
	X, Y  Axis // of a heat map and a spectrogram: only the labels count

	Curves []ViewCurve
	Lines  []ViewLine
	Bands  []ViewBand
	Marks  []ViewMark

	Bars        []Bar // in this order, named below; Y is their label
	Heat        *HeatMap
	Spectrogram *Spectrogram
}

// Axis is one axis of a panel.
type Axis struct {
	Label    string  // with the unit: "update", "nats"
	Min, Max float64 // the visible range, as it is; both 0 take that of the data
	Log      bool    // logarithmic; falls back to linear when the range is not positive
	Clock    bool    // seconds since 1970, to be written as dates and times, UTC
}

// ViewCurve is a line. X does not decrease; Y, of the same length, may hold NaN and infinities: gaps with a mark on the axis.
type ViewCurve struct {
	Label  string // in the legend; "" leaves the curve out of it
	X, Y   []float64
	Smooth []float64 // nil, or of the length of Y: drawn instead of Y, which stays as a faint line
	Colour int       // index into the colours, from 0; any number is taken modulo their count
	Dash   int       // 0 solid, 1 dashed, 2 dotted, 3 dash-dotted; modulo 4
	Points bool      // mark each point

	// For the table beside the figure.
	Series, Run string
	Steps       []int64 // nil, or of the length of X
}

// ViewLine is a horizontal line to compare curves with, such as chance. It is drawn when the axis holds its value.
type ViewLine struct {
	Label string
	Value float64
}

// ViewBand is an area between two curves behind all others, such as a published trajectory. NaN in Low or High is a gap.
type ViewBand struct {
	Label        string
	X, Low, High []float64 // of one length
	Colour       int       // as of a curve; Grey for what is not a run
}

// Grey is the colour of a band that belongs to no run.
const Grey = -1

// ViewMark is a vertical line at an event: an alert, a cursor.
type ViewMark struct {
	Label string // "" for none
	X     float64
}

// HeatMap is a table of numbers as colours, row 0 at the top.
type HeatMap struct {
	Values [][]float64 // rows of the same length; NaN: not measured

	Left, Right float64  // what the left edge of the first and the right edge of the last column are; both 0 number the columns from 0
	Rows        string   // label of the vertical axis: "code"
	RowNames    []string // nil numbers the rows from 0

	Unit      string  // of the values, at the colour bar
	Low, High float64 // values of the ends of the colours; both 0 take the range of the data
	Log       bool    // logarithmic colours; what is 0 or less has the colour of Low
	MarkZero  bool    // zeros have a colour of their own, which the colour bar names Zero
	Zero      string  // "dead"
	Breaks    []int   // rows before which a line is drawn: the groups of a codebook

	Bottom, Top float64 // what the lower edge of the last and the upper edge of the first row are; both 0 number or name the rows

	span     Limits // that the horizontal axis shows, when it is more than the columns
	outlined []outline
	rules    []float64 // places of vertical lines
	dots     [][2]float64
	chosen   int      // dot with a mark of its own
	entries  []string // what the rows are in the tables beside the figure, when their numbers count something else
}

// Spectrogram is a piece of audio with what a model saw of it.
type Spectrogram struct {
	LogMel      [][]float32 // (frames, bands), the lowest band first, as of features.LogMel
	Hop         float64     // seconds between frames
	Lead        float64     // seconds from the left edge to the first frame
	Frequencies []float64   // of the bands, in Hz
	Waveform    []float32   // nil for none; drawn above
	Rate        int         // of the waveform, in Hz
	Spans       []Span      // masked
	Codes       []FrameCodes
	Words       []Word  // below: text or an alignment
	WordRows    int     // rows that words share where they are too long for their place; 0: one, and what has no room is left out
	Start       float64 // seconds at the left edge
}

// Span is a piece of time in seconds.
type Span struct {
	From float64 `json:"from"`
	To   float64 `json:"to"`
}

// FrameCodes are the codes of a masked frame of the model, one a group.
type FrameCodes struct {
	Span
	Codes   []int `json:"codes"`
	Correct bool  `json:"correct"` // the target scored above all distractors
}

// Word is a piece of text at its time.
type Word struct {
	Span
	Text     string
	Doubtful bool // drawn so that it is seen
}
