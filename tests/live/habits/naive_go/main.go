// As tutorials show it, in Go: a Read is a name, less its newline, and each has a goroutine, which answers when it can.
package main

import (
	"fmt"
	"net"
	"os"
	"strings"
)

func serve(conn net.Conn) {
	defer conn.Close()
	fmt.Fprint(conn, "Welcome!")
	buffer := make([]byte, 1024)
	for {
		count, err := conn.Read(buffer)
		if err != nil {
			return
		}
		name := strings.TrimSpace(string(buffer[:count]))
		if name == "exit" {
			return
		}
		go fmt.Fprintf(conn, "Hello, %s!\n", name)
	}
}

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Args[1])
	if err != nil {
		panic(err)
	}
	for {
		conn, err := listener.Accept()
		if err != nil {
			panic(err)
		}
		go serve(conn)
	}
}
