// A server in Go for benchmarks.speed, a goroutine a connection: server echo|lines|command|udp
//
// Prints its port. The replies to what is there already leave together.
package main

import (
	"bufio"
	"bytes"
	"fmt"
	"log"
	"net"
	"os"
)

const bufferSize = 65536

func echo(connection net.Conn) {
	defer connection.Close()
	buffer := make([]byte, bufferSize)
	for {
		count, err := connection.Read(buffer)
		if err != nil {
			return
		}
		if _, err := connection.Write(buffer[:count]); err != nil {
			return
		}
	}
}

func greet(writer *bufio.Writer, name []byte) {
	writer.WriteString("Hello, ")
	writer.Write(name)
	writer.WriteString("!\n")
}

func obey(writer *bufio.Writer, line []byte) {
	word, rest := line, line[len(line):]
	if space := bytes.IndexByte(line, ' '); space >= 0 {
		word, rest = line[:space], line[space:]
	}
	switch string(word) {
	case "/echo":
		writer.Write(rest)
	case "/version":
		writer.WriteString("Demo version")
	default:
		writer.WriteString("error: unknown command; try /help")
	}
	writer.WriteByte('\n')
}

func lines(connection net.Conn, welcome string, answer func(*bufio.Writer, []byte)) {
	defer connection.Close()
	reader, writer := bufio.NewReaderSize(connection, bufferSize), bufio.NewWriterSize(connection, bufferSize)
	writer.WriteString(welcome)
	writer.Flush()
	for {
		line, err := reader.ReadSlice('\n')
		if err != nil {
			return
		}
		answer(writer, line[:len(line)-1])
		if reader.Buffered() == 0 {
			if writer.Flush() != nil {
				return
			}
		}
	}
}

func datagrams() {
	socket, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(socket.LocalAddr().(*net.UDPAddr).Port)
	buffer := make([]byte, bufferSize)
	for {
		count, peer, err := socket.ReadFromUDPAddrPort(buffer)
		if err == nil {
			socket.WriteToUDPAddrPort(buffer[:count], peer)
		}
	}
}

func main() {
	kind := os.Args[1]
	if kind == "udp" {
		datagrams()
	}
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	for {
		connection, err := listener.Accept()
		if err != nil {
			continue
		}
		switch kind {
		case "lines":
			go lines(connection, "Welcome!\r\n", greet)
		case "command":
			go lines(connection, "", obey)
		default:
			go echo(connection)
		}
	}
}
