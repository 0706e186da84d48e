-- A local server that answers as the Messages API does, to try a client without a
-- key: prints its URL, then runs until it is interrupted.
--
--     lua examples/testing_server.lua --port 8080 --lifetime 60

require("anthropic.testing").main(arg)
