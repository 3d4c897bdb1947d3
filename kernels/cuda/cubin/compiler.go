package cubin

import (
	"errors"
	"fmt"

	"aural/kernels/cuda/driver"
)

// Compiler implements driver.Compiler with what it has: machine code made before for the very architecture, else a compiler of the machine, else PTX made
// before, which the driver compiles.
type Compiler struct {
	set  *Set // nil: none
	open func() (driver.Compiler, error)
	name string
}

// New makes a compiler of images, which may be nil, and of a compiler that is opened when it is needed.
func New(s *Set, open func() (driver.Compiler, error)) *Compiler {
	return &Compiler{set: s, open: open, name: "kernels of this program"}
}

// Name implements driver.Compiler: the way that Compile took last.
func (c *Compiler) Name() string { return c.name }

// Way is how the kernels for a device come about.
type Way struct {
	Text     string          // for people
	image    Image           // of the set
	compiler driver.Compiler // nil: the image
}

// Way finds what Compile would do. The error says why nothing can be done.
func (c *Compiler) Way(text string, options []string, device driver.Info) (Way, error) {
	target := driver.Target(device.Major, device.Minor)
	fits := c.set != nil && c.set.Of(text, options)
	if fits {
		if i, ok := c.set.Find(target, device.DriverVersion); ok {
			return Way{Text: fmt.Sprintf("machine code for %s in this program, by %s", target, c.set.Compiler), image: i}, nil
		}
	}
	compiler, err := c.open()
	if err == nil {
		return Way{Text: compiler.Name(), compiler: compiler}, nil
	}
	switch {
	case c.set == nil:
	case !fits:
		err = fmt.Errorf("the kernels in this program are of another text than its own (build it again: task release); %w", err)
	default:
		if i, ok := c.set.Find(driver.TargetPTX, device.DriverVersion); ok && device.Major >= 8 {
			return Way{Text: fmt.Sprintf("PTX in this program, by %s, which the driver compiles", c.set.Compiler), image: i}, nil
		}
		err = fmt.Errorf("this program has no kernels for %s with a driver of CUDA %d.%d; %w", target, device.DriverVersion/1000, device.DriverVersion%1000/10, err)
	}
	return Way{}, err
}

// Compile implements driver.Compiler. Images have no log.
func (c *Compiler) Compile(text string, options []string, device driver.Info) (image []byte, log string, err error) {
	w, err := c.Way(text, options, device)
	if err != nil {
		return nil, "", err
	}
	c.name = w.Text
	if w.compiler != nil {
		return w.compiler.Compile(text, options, device)
	}
	if image, err = c.set.Read(w.image); err == nil {
		return image, "", nil
	}
	// A damaged image is no reason to stop where there is a compiler.
	compiler, missing := c.open()
	if missing != nil {
		return nil, "", errors.Join(err, missing)
	}
	c.name = compiler.Name()
	return compiler.Compile(text, options, device)
}
