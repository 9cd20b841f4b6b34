// SPDX-License-Identifier: Apache-2.0

// Package mlog stands in for the logging library of azwi-proxy, monis.app/mlog, of which the module
// proxy gives no source. It has what azwi-proxy and its imports call, and writes plain lines to the
// standard error at any level. Nothing here is on the way of a request.
package mlog

import (
	"context"
	"log"
)

type (
	LogLevel  string
	LogFormat string
	LogSpec   struct {
		Level  LogLevel
		Format LogFormat
	}
	Logger struct{ prefix []any }
)

const (
	LevelWarning LogLevel  = ""
	LevelInfo    LogLevel  = "info"
	LevelDebug   LogLevel  = "debug"
	LevelTrace   LogLevel  = "trace"
	LevelAll     LogLevel  = "all"
	FormatJSON   LogFormat = "json"
)

func Setup() func() { return func() {} }

func ValidateAndSetLogLevelAndFormatGlobally(context.Context, LogSpec) error { return nil }

func Enabled(LogLevel) bool { return true }

func Info(message string, values ...any) { New().Info(message, values...) }

func Fatal(err error) { log.Fatal(err) }

func New() Logger { return Logger{} }

func (l Logger) WithName(name string) Logger { return l.WithValues(name) }

func (l Logger) WithValues(values ...any) Logger {
	return Logger{append(l.prefix[:len(l.prefix):len(l.prefix)], values...)}
}

func (l Logger) Info(message string, values ...any) {
	log.Println(append(append(l.prefix[:len(l.prefix):len(l.prefix)], message), values...)...)
}

func (l Logger) Error(message string, err error, values ...any) {
	l.Info(message, append(values, err)...)
}
