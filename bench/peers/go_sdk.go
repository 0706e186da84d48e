// The Go SDK; see README.md for the arguments.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/option"
)

var bytes, deltas atomic.Int64

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func read(client *anthropic.Client, params anthropic.MessageNewParams, how string) {
	ctx := context.Background()
	if how == "create" {
		message, err := client.Messages.New(ctx, params)
		check(err)
		bytes.Add(int64(len(message.Content[0].Text)))
		return
	}
	stream := client.Messages.NewStreaming(ctx, params)
	message := anthropic.Message{}
	for stream.Next() {
		event := stream.Current()
		if how == "message" || how == "tool" {
			check(message.Accumulate(event))
		} else if event.Type == "content_block_delta" {
			bytes.Add(int64(len(event.Delta.Text)))
			deltas.Add(1)
		}
	}
	check(stream.Err())
	if how == "message" {
		bytes.Add(int64(len(message.Content[0].Text)))
	} else if how == "tool" {
		input := struct {
			Text string `json:"text"`
		}{}
		check(json.Unmarshal(message.Content[0].Input, &input))
		bytes.Add(int64(len(input.Text)))
	}
}

func number(argument string) int {
	value, err := strconv.Atoi(argument)
	check(err)
	return value
}

func makeParams(prompt, history int) anthropic.MessageNewParams {
	messages := []anthropic.MessageParam{
		anthropic.NewUserMessage(anthropic.NewTextBlock(strings.Repeat("word ", prompt/5))),
	}
	for i := 0; i < history; i++ {
		block := anthropic.NewTextBlock(strings.Repeat("What was said before. ", 10))
		if i%2 == 0 {
			messages = append(messages, anthropic.NewAssistantMessage(block))
		} else {
			messages = append(messages, anthropic.NewUserMessage(block))
		}
	}
	return anthropic.MessageNewParams{
		Model: "claude-bench", MaxTokens: 1024, Messages: messages,
	}
}

func main() {
	url, how, requests, atOnce := os.Args[1], os.Args[2], number(os.Args[3]), number(os.Args[4])
	params := makeParams(number(os.Args[5]), number(os.Args[6]))
	client := anthropic.NewClient(option.WithBaseURL(url), option.WithAPIKey("bench-key"), option.WithMaxRetries(0))
	if how == "load" {
		requests, atOnce = 0, 1
	}
	if atOnce > 1 {
		var all sync.WaitGroup
		for i := 0; i < atOnce; i++ {
			all.Add(1)
			go func() {
				defer all.Done()
				read(&client, params, how)
			}()
		}
		all.Wait()
	} else {
		for i := 0; i < requests; i++ {
			read(&client, params, how)
		}
	}
	fmt.Println(bytes.Load(), deltas.Load())
}
