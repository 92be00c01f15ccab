package main

import "time"

const window = time.Second / 2

// windows divides the time of a run. Its functions return one value for each window, over
// all processes.
type windows struct {
	all   []*series
	ends  []time.Time
	begin time.Time
}

func newWindows(all []*series) *windows {
	w := &windows{all: all}
	var end time.Time
	for _, s := range all {
		for _, p := range s.points {
			if w.begin.IsZero() || p.Time.Before(w.begin) {
				w.begin = p.Time
			}
			if p.Time.After(end) {
				end = p.Time
			}
		}
	}
	w.begin = w.begin.Add(-window / 2) // what the first export holds
	for t := w.begin.Add(window); t.Before(end.Add(window)); t = t.Add(window) {
		w.ends = append(w.ends, t)
	}
	return w
}

// of returns the series of a metric.
func (w *windows) of(metric string) (found []*series) {
	for _, s := range w.all {
		if s.metric == metric {
			found = append(found, s)
		}
	}
	return found
}

// rate returns how much the series grow a second: counters, or the counts of histograms.
func (w *windows) rate(of []*series) []float64 {
	return w.each(func(end time.Time) (sum float64) {
		for _, s := range of {
			now, before := s.at(end), s.at(end.Add(-window))
			sum += now.Value + now.Count - before.Value - before.Count
		}
		return sum / window.Seconds()
	})
}

// sum returns the sum of gauges. A process that has exported nothing for two windows has
// ended.
func (w *windows) sum(of []*series) []float64 {
	return w.each(func(end time.Time) (sum float64) {
		for _, s := range of {
			if last := s.at(end); end.Sub(last.Time) < 2*window {
				sum += last.Value
			}
		}
		return sum
	})
}

// quantile returns a quantile of histograms, interpolated within a bucket.
func (w *windows) quantile(of []*series, q float64) []float64 {
	return w.each(func(end time.Time) float64 {
		var counts, bounds []float64
		var total float64
		for _, s := range of {
			now, before := s.at(end), s.at(end.Add(-window))
			for i := range now.BucketCounts {
				if len(counts) == i {
					counts = append(counts, 0)
				}
				grown := now.BucketCounts[i]
				if len(before.BucketCounts) > i {
					grown -= before.BucketCounts[i]
				}
				counts[i] += grown
				total += grown
				bounds = now.Bounds
			}
		}
		return interpolate(counts, bounds, q*total)
	})
}

// interpolate returns the value below which a number of observations are; 0 without any.
func interpolate(counts, bounds []float64, rank float64) float64 {
	lower := 0.
	if rank == 0 {
		return 0
	}
	for i, count := range counts {
		if i == len(bounds) {
			break
		}
		if count > 0 && rank <= count {
			return lower + (bounds[i]-lower)*rank/count
		}
		rank -= count
		lower = bounds[i]
	}
	return lower
}

func (w *windows) each(value func(end time.Time) float64) []float64 {
	values := make([]float64, len(w.ends))
	for i, end := range w.ends {
		values[i] = value(end)
	}
	return values
}
