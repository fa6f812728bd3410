// Command conformance is the Go client's runner: it obeys the suite of tests/clients/conformance, whose
// README.md specifies it. One JSON object a line comes in, one goes out.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"

	everlog "github.com/everlog/everlog/clients/go"
)

func main() {
	log.SetFlags(0)
	runner := &runner{subscriptions: map[string]*reader{}}
	commands, answers := bufio.NewReader(os.Stdin), bufio.NewWriter(os.Stdout)
	for {
		line, err := commands.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			if err := write(answers, obey(runner, line)); err != nil {
				log.Fatal(err)
			}
		}
		if err != nil {
			if err != io.EOF {
				log.Fatal(err)
			}
			break
		}
	}
	if _, err := runner.close(); err != nil {
		log.Fatal(err)
	}
}

func write(answers *bufio.Writer, answer object) error {
	encoder := json.NewEncoder(answers)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(answer); err != nil {
		return err
	}
	return answers.Flush()
}

// obey gives the answer to one command: what the client's own typed error says, if it fails with one.
func obey(runner *runner, line []byte) (answer object) {
	defer func() {
		if cause := recover(); cause != nil {
			answer = object{"failure": fmt.Sprintf("panic: %v", cause)}
		}
	}()
	result, err := runner.do(line)
	var failed *everlog.Error
	var unsupported unsupportedError
	switch {
	case err == nil:
		return object{"ok": result}
	case errors.As(err, &failed):
		return object{"error": fromError(err)}
	case errors.As(err, &unsupported):
		return object{"unsupported": string(unsupported)}
	default:
		return object{"failure": err.Error()}
	}
}
