package main

import (
	"image/color"
	"os"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// The chart's size, which a README shows without shrinking it, and its colours.
const (
	chartWidth  = 8 * vg.Inch
	chartHeight = 3.4 * vg.Inch
)

var (
	ownColor   = color.RGBA{0x0b, 0x6e, 0x99, 0xff}
	otherColor = color.RGBA{0xb8, 0xc4, 0xcc, 0xff}
	lineColor  = color.RGBA{0x60, 0x60, 0x60, 0xff}
)

// draw writes the chart.
func (r *results) draw(file string) error {
	left, err := bars("Single call: time", "relative to net/http by hand; less is better", func(p peer) figures {
		return r.single.ratio(p.name, measureTime)
	})
	if err != nil {
		return err
	}
	right, err := bars("Bulk, 64 workers: throughput", "relative to net/http by hand; more is better", func(p peer) figures {
		return r.bulk[0].throughput(p.name)
	})
	if err != nil {
		return err
	}
	canvas := vgsvg.New(chartWidth, chartHeight)
	tiles := draw.Tiles{Rows: 1, Cols: 2, PadX: vg.Points(16), PadTop: vg.Points(6), PadBottom: vg.Points(6), PadLeft: vg.Points(6), PadRight: vg.Points(10)}
	plots := [][]*plot.Plot{{left, right}}
	for i, c := range plot.Align(plots, tiles, draw.New(canvas))[0] {
		plots[0][i].Draw(c)
	}
	out, err := os.Create(file) //nolint:gosec // the program names it
	if err != nil {
		return err
	}
	defer out.Close() //nolint:errcheck // an error of writing comes first
	_, err = canvas.WriteTo(out)
	return err
}

// bars draws one bar for each peer, the first on top, with the interval of its median.
func bars(title, label string, of func(peer) figures) (*plot.Plot, error) {
	contenders := bulkPeers()
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.X.Min = title, label, 0
	names := make([]string, len(contenders))
	for i, contender := range contenders {
		place := len(contenders) - 1 - i
		names[place] = contender.name
		f := of(contender)
		bar, err := plotter.NewBarChart(plotter.Values{f.median()}, vg.Points(13))
		if err != nil {
			return nil, err
		}
		bar.Horizontal, bar.XMin, bar.LineStyle.Width, bar.Color = true, float64(place), 0, otherColor
		if contender.name == ownClient {
			bar.Color = ownColor
		}
		p.Add(bar)
		if low, high, ok := f.interval(); ok {
			line, err := plotter.NewLine(plotter.XYs{{X: low, Y: float64(place)}, {X: high, Y: float64(place)}})
			if err != nil {
				return nil, err
			}
			line.Color = lineColor
			p.Add(line)
		}
	}
	p.NominalY(names...)
	one, err := plotter.NewLine(plotter.XYs{{X: 1, Y: -0.5}, {X: 1, Y: float64(len(contenders)) - 0.5}})
	if err != nil {
		return nil, err
	}
	one.Color, one.Dashes = lineColor, []vg.Length{vg.Points(3), vg.Points(2)}
	p.Add(one)
	return p, nil
}
