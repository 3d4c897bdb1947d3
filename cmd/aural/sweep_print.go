package main

func (w *sweeping) report() error { return nil }
