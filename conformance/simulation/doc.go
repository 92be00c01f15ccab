// Package simulation measures how fast the SDK works at pods that limit it, fail or go
// away: minutes of traffic in a testing/synctest bubble, over model pods.
package simulation
