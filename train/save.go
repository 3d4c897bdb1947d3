package train

import (
	"time"

	"aural/runlog"
)

// saveIfDue saves when it is time. After a skipped update it waits for a good one.
func (l *loop[W]) saveIfDue() {
	if l.cfg.SaveEvery > 0 && l.state.Position.Update%l.cfg.SaveEvery == 0 ||
		l.cfg.SaveMinutes > 0 && time.Since(l.lastSave).Minutes() >= l.cfg.SaveMinutes {
		l.wantSave = true
	}
	l.saveIfWanted()
}

// saveIfWanted also answers those who asked for a checkpoint.
func (l *loop[W]) saveIfWanted() {
	if !l.wantSave || l.state.InRow > 0 {
		return
	}
	err := l.save()
	if err != nil {
		l.alert("checkpoint", "training goes on, the next checkpoint is tried when it is due: "+err.Error())
	}
	l.answerSaves(err)
}

// save writes a checkpoint of the present update, unless there is one.
func (l *loop[W]) save() error {
	l.wantSave, l.lastSave = false, time.Now()
	update := l.state.Position.Update
	if newest, ok := l.keeper.newest(); ok && newest == update {
		return nil
	}
	s := l.state
	s.Minutes, s.Window = l.minutes(), l.report.window()
	if !l.validated {
		s.Score = nil
	}
	if err := l.writer.write(s); err != nil {
		return err
	}
	l.event(runlog.Checkpoint, runlog.Info, "", map[string]string{"path": CheckpointName(update)})
	return l.keeper.added(saved{update, s.Score})
}
