-- Sends one kind of request over and over, and prints what came of it as a line of JSON.
--
--   wrk … URL -s request.lua -- METHOD PATH [key=KEY] [body=JSON] [ids=FILE] [pause=MILLISECONDS]
--
-- `{id}` in the path is replaced by the file's lines in turn. With a pause each connection waits before every request,
-- for that long on average, so that the rate of requests can be set.

local function lines(path)
  local result = {}
  for line in io.lines(path) do result[#result + 1] = line end
  return result
end

function init(arguments)
  local method, path = arguments[1], arguments[2]
  local options = {}
  for index = 3, #arguments do
    local name, value = arguments[index]:match("^(%w+)=(.*)$")
    options[name] = value
  end

  local headers = {}
  if options.key then headers["Authorization"] = "Bearer " .. options.key end
  if options.body then headers["Content-Type"] = "application/json" end

  local requests = {}
  for _, id in ipairs(options.ids and lines(options.ids) or { "" }) do
    requests[#requests + 1] = wrk.format(method, (path:gsub("{id}", id)), headers, options.body)
  end
  local last = 0
  function request()
    last = last % #requests + 1
    return requests[last]
  end

  if options.pause then
    local longest = 2 * tonumber(options.pause)
    function delay() return math.random() * longest end
  end
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"requests": %d, "seconds": %.6f, "errors": %d, "p50_ms": %.3f, "p99_ms": %.3f}\n',
    summary.requests,
    summary.duration / 1e6,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3
  ))
end
