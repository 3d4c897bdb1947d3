package cuda

import "aural/kernels/cuda/driver"

// Memory is what is free on the device and what it has, in bytes.
func (b *Backend) Memory() (free, total int64, err error) {
	err = b.exec.do(func(ctx driver.Context) (err error) {
		free, total, err = ctx.Memory()
		return err
	})
	return free, total, err
}
