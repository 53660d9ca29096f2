// Calls a greeting server, and prints what it makes of the answer.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"
)

func said(connection net.Conn) (string, error) {
	connection.SetDeadline(time.Now().Add(3 * time.Second))
	if _, err := connection.Write([]byte("Ann\n")); err != nil {
		return "", err
	}
	return bufio.NewReader(connection).ReadString('\n')
}

func main() {
	connection, err := net.Dial("tcp", os.Args[1])
	if err != nil {
		fmt.Println(err)
		return
	}
	line, err := said(connection)
	switch {
	case err == nil && strings.HasSuffix(line, "Hello, Ann!\n"):
		fmt.Println("ok")
	case err == nil:
		fmt.Println("wrong answer")
	case errors.Is(err, os.ErrDeadlineExceeded):
		fmt.Println("timeout")
	case errors.Is(err, syscall.ECONNRESET):
		fmt.Println("reset")
	case errors.Is(err, io.EOF) && line == "":
		fmt.Println("EOF")
	case errors.Is(err, io.EOF):
		fmt.Println("short read")
	default:
		fmt.Println(err)
	}
}
