# The Python SDK; see README.md for the arguments.
import os
import sys

import anthropic

url, how = sys.argv[1:3]
client = anthropic.Anthropic(base_url=url, api_key=os.environ["COMPARE_KEY"], timeout=1)
params = {"model": "m", "max_tokens": 100, "messages": [{"role": "user", "content": "Hello"}]}
try:
    if how == "batch":
        client.messages.batches.create(requests=[{"custom_id": "a", "params": params}])
    elif how == "message":
        with client.messages.stream(**params) as stream:
            for text in stream.text_stream:
                print("text " + text)
            stream.get_final_message()
    else:
        for event in client.messages.create(stream=True, **params):
            if event.type == "content_block_delta":
                print("text " + event.delta.text)
    print("end")
except Exception as err:  # whatever the SDK raises is what its user sees
    print(f"error STATUS={getattr(err, 'status_code', '')} {type(err).__name__}: {err}".replace("\n", " "))
