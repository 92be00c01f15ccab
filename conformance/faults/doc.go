// Package faults holds tests only: of calls over a wire that delays, cuts, slows down,
// swallows or refuses what goes over it. Each fault is that of a toxic of
// Shopify/toxiproxy between a client and a pod in memory, and each test says how a
// call comes out, after how many attempts, and within what time. No goroutine is left.
package faults
