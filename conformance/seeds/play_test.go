package seeds_test

import "time"

func (c *caller) play() {
	for range stepsPerCaller {
		switch c.random.IntN(8) {
		case 0, 1:
			c.setMany()
		case 2, 3:
			c.changeMany()
		case 4:
			c.lookUp()
		default:
			for range 1 + c.random.IntN(6) {
				c.single()
			}
		}
		if c.random.IntN(3) == 0 {
			<-time.After(c.tick.draw(c.random, 5*time.Second))
		}
	}
}
