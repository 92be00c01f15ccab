package main

import (
	"fmt"
	"runtime"
	"strings"

	"github.com/shirou/gopsutil/v4/cpu"
	"github.com/shirou/gopsutil/v4/host"
)

// markdown is the report.
func (r *results) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, introduction, machine())
	r.writeSummary(&b)
	r.writeSingle(&b)
	for i, c := range r.scale.bulk {
		r.writeBulk(&b, c, r.bulk[i])
	}
	r.writeMemory(&b)
	r.writeThrottled(&b)
	fmt.Fprintf(&b, herdText, r.herdCalls, r.logins)
	return b.String()
}

const introduction = `# Benchmarks

The call that sets the presence of another user is made in several ways, here called peers, in one run. This command repeats
the run; it takes about 25 minutes, needs only Go, and writes this file and the chart:

` + "```sh\ncd benchmarks && GOWORK=off go run .\n```" + `

%s

The server runs on loopback in a process of its own. It always returns the same presence, at once or after the latency in
a table's title. The peers take turns in short runs, in another order each round. A ratio compares a peer with *net/http by
hand* in the same round. The tables have the median of all rounds and, in brackets, an interval that contains the true
median with 95 %% confidence.

- **net/http by hand**: a transport tuned for many calls, and no retry, timeout or trace id.
- **this SDK**: with its defaults; *deadline near* is a context whose deadline comes before the attempt's timeout.
- **http.DefaultClient**: as by hand, but on the default transport.
- **go-retryablehttp**, **resty**, **hcloud-go** (the part of that SDK that sends requests): with their defaults; resty
  retries three times after an error or a 429, as its README shows.
- **oapi-codegen**, **ogen**: clients generated from the OpenAPI description of the presence calls, without options.

![time of a single call, and throughput of a bulk run](chart.svg)
`

const herdText = `
## Expired session

%d calls at once on a session that has expired, with a login by RSA key: %d login. The other peers do not log in.
`

// machine describes where this runs.
func machine() string {
	model, system := runtime.GOARCH, runtime.GOOS
	if info, err := cpu.Info(); err == nil && len(info) > 0 {
		model = info[0].ModelName
	}
	if info, err := host.Info(); err == nil {
		system = fmt.Sprintf("%s %s, kernel %s", info.Platform, info.PlatformVersion, info.KernelVersion)
	}
	return fmt.Sprintf("Measured on %s with %d cores, %s, %s/%s (%s).",
		model, runtime.NumCPU(), runtime.Version(), runtime.GOOS, runtime.GOARCH, system)
}

func (r *results) writeSummary(b *strings.Builder) {
	header := []string{"", "single call, time", "allocations"}
	for _, c := range r.scale.bulk {
		header = append(header, "bulk, "+c.String())
	}
	rows := tableOf(append(header, "peak memory", "with a limit, time", "failed")...)
	for _, p := range peers() {
		row := []string{p.name, ratio(r.single.ratio(p.name, measureTime)), count(r.single[p.name][measureAllocs])}
		for _, t := range r.bulk {
			row = append(row, ratio(t.throughput(p.name)))
		}
		rows.add(append(row, ratio(r.memory.ratio(p.name, measureMemory)),
			ratio(r.throttled[p.name][measureIdeal]), count(r.throttled[p.name][measureFailed]))...)
	}
	fmt.Fprintf(b, "\nAll but the allocations and the failed updates are ratios: to net/http by hand or, with a limit, to the ideal time, that\n"+
		"of a client that knows the limit. The ratio to the ideal says little if updates failed. Bulk is throughput: more is better.\n\n%s", rows)
}

func (r *results) writeSingle(b *strings.Builder) {
	rows := tableOf("", "time", "of a call", "CPU", "bytes", "of a call", "allocations of a call")
	for _, p := range peers() {
		bytes := r.single[p.name][measureBytes]
		rows.add(p.name, interval(r.single.ratio(p.name, measureTime)), fmt.Sprintf("%.1f µs", r.single[p.name][measureTime].median()*1e6),
			interval(r.single.ratio(p.name, measureCPU)), interval(r.single.ratio(p.name, measureBytes)), count(bytes),
			count(r.single[p.name][measureAllocs]))
	}
	fmt.Fprintf(b, "\n## Single call\n\nCalls one after the other over HTTP/1.1; %d rounds of %d calls. CPU is the CPU time of the client's process.\n\n%s",
		r.singleRounds, r.singleCalls, rows)
}

func (r *results) writeBulk(b *strings.Builder, c bulkCase, t table) {
	rows := tableOf("", "throughput", "calls/s", "connections", "p50", "p99")
	for _, p := range bulkPeers() {
		rows.add(p.name, interval(t.throughput(p.name)), fmt.Sprintf("%.0f", float64(c.updates)/t[p.name][measureTime].median()),
			count(t[p.name][measureConnections]), milliseconds(t[p.name][measureP50]), milliseconds(t[p.name][measureP99]))
	}
	fmt.Fprintf(b, "\n## Bulk, %v\n\n%d updates by %d workers, %d rounds. p50 and p99 are percentiles of the time of a request in net/http's transport.\n\n%s",
		c, c.updates, workers, c.rounds, rows)
}

func (r *results) writeMemory(b *strings.Builder) {
	rows := tableOf("", "peak memory", "of a process")
	for _, p := range bulkPeers() {
		rows.add(p.name, interval(r.memory.ratio(p.name, measureMemory)), fmt.Sprintf("%.1f MiB", r.memory[p.name][measureMemory].median()/(1<<20)))
	}
	fmt.Fprintf(b, "\n## Peak memory\n\nResident memory of a process that sets %d presences with %d workers over %v.\n\n%s",
		r.scale.memory.updates, workers, r.scale.memory, rows)
}

func (r *results) writeThrottled(b *strings.Builder) {
	rows := tableOf("", "time / ideal", "requests refused", "updates failed")
	for _, p := range bulkPeers() {
		t := r.throttled[p.name]
		rows.add(p.name, ratio(t[measureIdeal]), fmt.Sprintf("%.1f %%", 100*t[measureRefused].median()), count(t[measureFailed]))
	}
	fmt.Fprintf(b, "\n## A pod with a limit\n\n%d updates by %d workers at the pod of package symphonytest, which accepts %d a second after a burst of\n"+
		"%d, and responds to the rest with 429 and `Retry-After: 1`. A peer without retries, or that does not retry a 429, fails fast.\n\n%s",
		r.throttledUpdates, workers, perSecond, burst, rows)
}

// throughput is relative to the worker pool by hand.
func (t table) throughput(peer string) figures {
	return t[byHand][measureTime].over(t[peer][measureTime])
}

// notMeasured stands for what a peer has no figures of.
const notMeasured = "–"

func ratio(f figures) string { return f.format("%.2f") }
func count(f figures) string { return f.format("%.0f") }

func milliseconds(f figures) string { return f.format("%.2f ms") }

func (f figures) format(verb string) string {
	if len(f) == 0 {
		return notMeasured
	}
	return fmt.Sprintf(verb, f.median())
}

func interval(f figures) string {
	text := ratio(f)
	if low, high, ok := f.interval(); ok {
		text += fmt.Sprintf(" [%.2f %.2f]", low, high)
	}
	return text
}

// rows is a table of Markdown.
type rows struct{ text strings.Builder }

func tableOf(header ...string) *rows {
	r := new(rows)
	r.add(header...)
	fmt.Fprintf(&r.text, "| --- |%s\n", strings.Repeat(" ---: |", len(header)-1))
	return r
}

func (r *rows) add(cells ...string) { fmt.Fprintf(&r.text, "| %s |\n", strings.Join(cells, " | ")) }

func (r *rows) String() string { return r.text.String() }
