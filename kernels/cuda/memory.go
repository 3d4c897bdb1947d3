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

// Held is the device memory that this back end has allocated, in bytes.
func (b *Backend) Held() (n int64, err error) {
	err = b.exec.do(func(driver.Context) error {
		n = b.exec.held
		return nil
	})
	return n, err
}

// Planner is a back end that compiles to the same plans, but allocates nothing on the device and runs nothing: for questions about what would fit.
func (b *Backend) Planner() *Backend {
	return &Backend{info: b.info, precision: b.precision, wgmma: b.wgmma, widths: b.widths, blas: b.blas, planProduct: b.planProduct}
}

// ScratchBytes is the working memory that the kernels compiled so far need, beside that of programs.
func (b *Backend) ScratchBytes() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.room
}

// ReserveScratch makes the working memory so large at least, so that no later compilation has to.
func (b *Backend) ReserveScratch(bytes int) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.exec.do(func(ctx driver.Context) error { return b.grow(ctx, bytes) })
}
