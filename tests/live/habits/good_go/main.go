// Lines, in Go: strips the newline, and ends each answer with LF; a line has at most 64 KiB.
package main

import (
	"bufio"
	"bytes"
	"io"
	"log"
	"net"
	"os"
	"time"
)

const mostBytes = 65536

func greet(reader *bufio.Reader, writer *bufio.Writer) {
	writer.WriteString("Welcome!")
	for {
		if reader.Buffered() == 0 {
			if writer.Flush() != nil {
				return
			}
		}
		line, err := reader.ReadSlice('\n')
		if err != nil && err != io.EOF {
			return // the line is too long, or the client is gone
		}
		name := bytes.TrimRight(line, "\r\n")
		if string(name) == "exit" {
			return
		}
		if len(name) > 0 {
			writer.WriteString("Hello, ")
			writer.Write(name)
			writer.WriteString("!\n")
		}
		if err == io.EOF {
			return
		}
	}
}

func serve(conn *net.TCPConn) {
	defer conn.Close()
	writer := bufio.NewWriter(conn)
	greet(bufio.NewReaderSize(conn, mostBytes+2), writer)
	writer.Flush()
	conn.CloseWrite()
	conn.SetReadDeadline(time.Now().Add(2 * time.Second))
	io.Copy(io.Discard, conn) // unread, it would reset the connection
}

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	for {
		conn, err := listener.Accept()
		if err != nil {
			time.Sleep(10 * time.Millisecond) // no more descriptors, for a while
			continue
		}
		go serve(conn.(*net.TCPConn))
	}
}
