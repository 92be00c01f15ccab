package main

import (
	"bytes"
	"cmp"
	"errors"
	"image/color"
	"maps"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// panels are the panels of the dashboard, from top left to bottom right.
type panels [][]*plot.Plot

// newPanels returns the panels of a run.
func newPanels(w *windows) (panels, error) {
	calls := w.of("symphony.client.call.duration")
	if len(calls) == 0 {
		return nil, errors.New("the files hold no symphony.client.call.duration")
	}
	byOutcome := map[string][]float64{}
	for outcome, of := range group(calls, "symphony.operation", "error.type") {
		byOutcome[outcome] = w.rate(of)
	}
	retries := map[string][]float64{}
	for operation, of := range group(w.of("symphony.client.retries"), "symphony.operation") {
		retries[operation] = w.rate(of)
	}
	latency := map[string][]float64{
		"50 % within": w.quantile(calls, 0.5),
		"95 % within": w.quantile(calls, 0.95),
		"99 % within": w.quantile(calls, 0.99),
	}
	limits := map[string][]float64{
		"limit, requests a second": w.sum(w.of("symphony.client.limit.rate")),
		"waiting calls":            w.sum(w.of("symphony.client.waiting")),
		"requests in flight":       w.sum(w.of("symphony.client.in_flight")),
	}
	var made [4]*plot.Plot
	for i, panel := range []struct {
		title, unit string
		floor       float64
		lines       map[string][]float64
	}{
		{"Calls by operation and outcome", "calls a second", 1, byOutcome},
		{"Duration of calls", "seconds", 0.001, latency},
		{"Retries", "retries a second", 0, retries},
		{"Rate limit and waiting calls", "", 1, limits},
	} {
		p, err := newPanel(panel.title, panel.unit, panel.floor, panel.lines)
		if err != nil {
			return nil, err
		}
		made[i] = p
	}
	return panels{made[:2], made[2:]}, nil
}

// group groups series by the values of attributes.
func group(of []*series, keys ...string) map[string][]*series {
	groups := map[string][]*series{}
	for _, s := range of {
		var values []string
		for _, key := range keys {
			if value := s.attributes[key]; value != "" {
				values = append(values, value)
			}
		}
		name := strings.Join(values, " ")
		groups[name] = append(groups[name], s)
	}
	return groups
}

// newPanel returns a panel with a line for each name. With a floor above 0 its scale is
// logarithmic, and lower values are drawn there.
func newPanel(title, unit string, floor float64, lines map[string][]float64) (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text = title
	p.X.Label.Text = "seconds since the start"
	p.Y.Label.Text = unit
	p.Y.Min = floor
	p.Legend.Top = true
	p.Legend.Padding = vg.Points(2)
	if floor > 0 {
		p.Y.Scale = plot.LogScale{}
		p.Y.Tick.Marker = plot.LogTicks{Prec: -1}
	}
	p.Add(plotter.NewGrid())
	for i, name := range slices.Sorted(maps.Keys(lines)) {
		points := make(plotter.XYs, len(lines[name]))
		for j, value := range lines[name] {
			points[j] = plotter.XY{X: float64(j+1) * window.Seconds(), Y: max(floor, value)}
		}
		line, err := plotter.NewLine(points)
		if err != nil {
			return nil, err
		}
		line.Color, line.Width = plotutil.Color(i), vg.Points(1.5)
		p.Add(line)
		p.Legend.Add(name, line)
		// Room for the legend above the lines.
		if top := slices.MaxFunc(points, func(a, b plotter.XY) int { return cmp.Compare(a.Y, b.Y) }).Y; floor > 0 {
			p.Y.Max = max(p.Y.Max, top*30)
		} else {
			p.Y.Max = max(p.Y.Max, top*1.3)
		}
	}
	return p, nil
}

// svg draws the panels.
func (p panels) svg() ([]byte, error) {
	canvas := vgsvg.New(24*vg.Centimeter, 16*vg.Centimeter)
	drawn := draw.New(canvas)
	drawn.SetColor(color.White)
	drawn.Fill(drawn.Path())
	tiles := draw.Tiles{Rows: len(p), Cols: len(p[0]), PadX: vg.Centimeter / 2, PadY: vg.Centimeter / 2, PadTop: 8, PadRight: 8, PadBottom: 8, PadLeft: 8}
	for i, row := range plot.Align(p, tiles, drawn) {
		for j, tile := range row {
			p[i][j].Draw(tile)
		}
	}
	var picture bytes.Buffer
	_, err := canvas.WriteTo(&picture)
	return picture.Bytes(), err
}
