// Package seeds simulates a client at a model pod, in a testing/synctest bubble: bulk runs,
// single calls, lookups, logins, faults, limits and outages, all drawn from a seed. A checker
// compares what the callers were told with what the pod received.
package seeds
