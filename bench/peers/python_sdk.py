# The Python SDK; see README.md for the arguments.
import asyncio
import sys

import anthropic

url, how = sys.argv[1:3]
requests, at_once, prompt, history = [int(argument) for argument in sys.argv[3:7]]

messages = [{"role": "user", "content": "word " * (prompt // 5)}]
for i in range(history):
    role = "assistant" if i % 2 == 0 else "user"
    messages.append({"role": role, "content": [{"type": "text", "text": "What was said before. " * 10}]})
params = {"model": "claude-bench", "max_tokens": 1024, "messages": messages}


def read(client):
    if how == "create":
        return len(client.messages.create(**params).content[0].text), 0
    if how == "events":
        size = deltas = 0
        for event in client.messages.create(stream=True, **params):
            if event.type == "content_block_delta":
                size += len(event.delta.text)
                deltas += 1
        return size, deltas
    with client.messages.stream(**params) as stream:
        if how == "text":
            size = deltas = 0
            for text in stream.text_stream:
                size += len(text)
                deltas += 1
            return size, deltas
        block = stream.get_final_message().content[0]
        return len(block.input["text"] if how == "tool" else block.text), 0


async def read_events(client):
    size = deltas = 0
    async for event in await client.messages.create(stream=True, **params):
        if event.type == "content_block_delta":
            size += len(event.delta.text)
            deltas += 1
    return size, deltas


async def read_all():
    async with anthropic.AsyncAnthropic(base_url=url, api_key="bench-key", max_retries=0) as client:
        return await asyncio.gather(*[read_events(client) for _ in range(at_once)])


if how == "load":
    results = []
elif at_once > 1:
    results = asyncio.run(read_all())
else:
    with anthropic.Anthropic(base_url=url, api_key="bench-key", max_retries=0) as one_client:
        results = [read(one_client) for _ in range(requests)]
print(sum(size for size, _ in results), sum(deltas for _, deltas in results))
