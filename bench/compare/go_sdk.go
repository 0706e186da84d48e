// The Go SDK; see README.md for the arguments.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/option"
)

func main() {
	url, how := os.Args[1], os.Args[2]
	client := anthropic.NewClient(option.WithBaseURL(url), option.WithAPIKey(os.Getenv("COMPARE_KEY")),
		option.WithRequestTimeout(time.Second))
	params := anthropic.MessageNewParams{
		Model: "m", MaxTokens: 100,
		Messages: []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock("Hello"))},
	}
	ctx := context.Background()
	var err error
	if how == "batch" {
		_, err = client.Messages.Batches.New(ctx, anthropic.MessageBatchNewParams{
			Requests: []anthropic.MessageBatchNewParamsRequest{{
				CustomID: "a",
				Params: anthropic.MessageBatchNewParamsRequestParams{
					Model: params.Model, MaxTokens: params.MaxTokens, Messages: params.Messages,
				},
			}},
		})
	} else {
		stream := client.Messages.NewStreaming(ctx, params)
		message := anthropic.Message{}
		for err == nil && stream.Next() {
			event := stream.Current()
			if how == "message" {
				err = message.Accumulate(event)
			}
			if event.Type == "content_block_delta" {
				fmt.Println("text " + event.Delta.Text)
			}
		}
		if err == nil {
			err = stream.Err()
		}
	}
	if err == nil {
		fmt.Println("end")
		return
	}
	status := ""
	var failure *anthropic.Error
	if errors.As(err, &failure) {
		status = fmt.Sprint(failure.StatusCode)
	}
	fmt.Printf("error STATUS=%s %s\n", status, strings.ReplaceAll(err.Error(), "\n", " "))
}
