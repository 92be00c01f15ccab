package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// series is a time series of one process: a metric with one set of attributes.
type series struct {
	metric     string
	attributes map[string]string
	points     []point
}

// point is a value that a process exported. For a counter or a histogram it is the sum since
// the process began.
type point struct {
	Attributes []struct {
		Key   string
		Value struct{ Value any }
	}
	Time         time.Time
	Value        float64
	Count        float64
	Bounds       []float64
	BucketCounts []float64
}

// readSeries reads what the exporter stdoutmetric wrote. The last line of a process that was
// killed may be cut.
func readSeries(r io.Reader) ([]*series, error) {
	found := map[string]*series{}
	var all []*series
	for decoder := json.NewDecoder(r); ; {
		var export struct {
			ScopeMetrics []struct {
				Metrics []struct {
					Name string
					Data struct{ DataPoints []point }
				}
			}
		}
		switch err := decoder.Decode(&export); {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return all, nil
		case err != nil:
			return nil, err
		}
		for _, scope := range export.ScopeMetrics {
			for _, metric := range scope.Metrics {
				for _, p := range metric.Data.DataPoints {
					attributes := map[string]string{}
					for _, a := range p.Attributes {
						attributes[a.Key] = fmt.Sprint(a.Value.Value)
					}
					key := metric.Name + fmt.Sprint(attributes) // fmt sorts a map
					if found[key] == nil {
						found[key] = &series{metric: metric.Name, attributes: attributes}
						all = append(all, found[key])
					}
					found[key].points = append(found[key].points, p)
				}
			}
		}
	}
}

// at returns the last point at or before a time; the zero point before the first.
func (s *series) at(t time.Time) point {
	var last point
	for _, p := range s.points {
		if p.Time.After(t) {
			break
		}
		last = p
	}
	return last
}
