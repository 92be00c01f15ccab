package main

import (
	"bytes"
	"image/color"
	"os"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// The chart's size, which a README shows without shrinking it, and its colours.
const (
	chartWidth  = 8 * vg.Inch
	chartHeight = 3.4 * vg.Inch
	barWidth    = 14
)

var (
	ownColor   = color.RGBA{0x0b, 0x6e, 0x99, 0xff}
	otherColor = color.RGBA{0xb8, 0xc4, 0xcc, 0xff}
	lineColor  = color.RGBA{0x50, 0x50, 0x50, 0xff}
)

// draw writes the chart.
func (r *results) draw(file string) error {
	sans := font.Font{Typeface: "Liberation", Variant: "Sans"}
	plot.DefaultFont, plotter.DefaultFont = sans, sans
	left, err := bars("Single call: time", "less is better; net/http by hand is 1", func(p peer) figures {
		return r.single.ratio(p.name, measureTime)
	})
	if err != nil {
		return err
	}
	right, err := bars("Bulk, 64 workers: throughput", "more is better; net/http by hand is 1", func(p peer) figures {
		return r.bulk[0].throughput(p.name)
	})
	if err != nil {
		return err
	}
	svg := vgsvg.New(chartWidth, chartHeight)
	canvas := draw.New(svg)
	canvas.FillPolygon(color.White, []vg.Point{{}, {X: chartWidth}, {X: chartWidth, Y: chartHeight}, {Y: chartHeight}})
	plots := [][]*plot.Plot{{left, right}}
	tiles := draw.Tiles{Rows: 1, Cols: 2, PadX: 16, PadTop: 8, PadBottom: 8, PadLeft: 8, PadRight: 12}
	for i, tile := range plot.Align(plots, tiles, canvas)[0] {
		plots[0][i].Draw(tile)
	}
	var text bytes.Buffer
	if _, err := svg.WriteTo(&text); err != nil {
		return err
	}
	// Few browsers have the font; these are as wide.
	written := bytes.ReplaceAll(text.Bytes(), []byte("font-family:Liberation Sans"), []byte("font-family:Liberation Sans,Arial,Helvetica,sans-serif"))
	return os.WriteFile(file, written, 0o644) //nolint:gosec // anyone may read it
}

// bars draws one bar for each peer, the first on top, with the interval of its median,
// and the numbers in a column beside them.
func bars(title, label string, of func(peer) figures) (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.X.Min = title, label, 0
	p.Title.TextStyle.Font.Size, p.Title.Padding, p.X.Label.TextStyle.Font.Size = 13, 6, 11
	contenders := bulkPeers()
	slices.Reverse(contenders) // the axis begins below
	names, numbers := make([]string, len(contenders)), plotter.XYLabels{}
	for i, contender := range contenders {
		f, fill := of(contender), otherColor
		if contender.name == ownClient {
			fill = ownColor
		}
		if err := addBar(p, float64(i), f, fill); err != nil {
			return nil, err
		}
		names[i] = contender.name
		numbers.XYs = append(numbers.XYs, plotter.XY{Y: float64(i)})
		numbers.Labels = append(numbers.Labels, ratio(f))
	}
	p.NominalY(names...)
	for i := range numbers.XYs {
		numbers.XYs[i].X = 1.03 * p.X.Max
	}
	p.X.Max *= 1.15
	column, err := plotter.NewLabels(numbers)
	if err != nil {
		return nil, err
	}
	for i := range column.TextStyle {
		column.TextStyle[i].YAlign = draw.YCenter
	}
	p.Add(column)
	return p, addLine(p, draw.LineStyle{Color: lineColor, Width: 1, Dashes: []vg.Length{3, 2}},
		plotter.XY{X: 1, Y: -0.5}, plotter.XY{X: 1, Y: float64(len(contenders)) - 0.5})
}

// addBar adds a bar and the interval of its median.
func addBar(p *plot.Plot, place float64, f figures, fill color.Color) error {
	bar, err := plotter.NewBarChart(plotter.Values{f.median()}, barWidth)
	if err != nil {
		return err
	}
	bar.Horizontal, bar.XMin, bar.LineStyle.Width, bar.Color = true, place, 0, fill
	p.Add(bar)
	low, high, ok := f.interval()
	if !ok {
		return nil
	}
	return addLine(p, draw.LineStyle{Color: lineColor, Width: 1}, plotter.XY{X: low, Y: place}, plotter.XY{X: high, Y: place})
}

func addLine(p *plot.Plot, style draw.LineStyle, from, to plotter.XY) error {
	line, err := plotter.NewLine(plotter.XYs{from, to})
	if err != nil {
		return err
	}
	line.LineStyle = style
	p.Add(line)
	return nil
}
