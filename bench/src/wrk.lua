-- wrk -s wrk.lua … -- FIRST [TEMPLATES]: posts bodies made of a file's lines, from number FIRST on
-- (houses.ts says how), or GETs. Its last line of output is what was measured, as JSON.

local thread

function setup(only)
  thread = only
end

local function varying(lines)
  local heads, tails = {}, {}
  for index, line in ipairs(lines) do
    local at = line:find("#", 1, true)
    local tail = line:sub(at + 1)
    local request = wrk.format(nil, nil, nil, line:sub(1, at - 1) .. "0000" .. tail)
    heads[index], tails[index] = request:sub(1, -#tail - 5), tail
  end
  return function()
    local index = taken % #lines
    local count = 1000 + (taken - index) / #lines
    taken = taken + 1
    return heads[index + 1] .. count .. tails[index + 1]
  end
end

local function fixed(lines)
  local requests = {}
  for index, line in ipairs(lines) do
    requests[index] = wrk.format(nil, nil, nil, line)
  end
  return function()
    taken = taken + 1
    return requests[(taken - 1) % #requests + 1]
  end
end

function init(args)
  taken = tonumber(args[1])
  if args[2] then
    wrk.method = "POST"
    wrk.headers["Content-Type"] = "application/json"
    local lines = {}
    for line in io.lines(args[2]) do
      lines[#lines + 1] = line
    end
    if lines[1]:find("#", 1, true) then
      request = varying(lines)
    else
      request = fixed(lines)
    end
  end
  startedCpu = os.clock()
end

function done(summary, latency)
  local errors = summary.errors
  local faults = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  print(string.format(
    '{"requests":%d,"microseconds":%d,"p50":%d,"p99":%d,"faults":%d,"cpuSeconds":%g,"taken":%d}',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), faults,
    os.clock() - thread:get("startedCpu"), thread:get("taken")))
end
