"""What Redis does for us in one step each, with no other process in between.

Times are milliseconds.
"""

# Sets the holder if the lease is free or already theirs; one step, so two holders never both win.
LEASE = """
local holder = redis.call('get', KEYS[1])
if holder == false or holder == ARGV[1] then
  redis.call('set', KEYS[1], ARGV[1], 'PX', ARGV[2])
  return 1
end
return 0
"""

# Generic cell rate algorithm: one number says when the bucket will have drained. The clock is Redis's own, so
# that workers whose clocks differ still share one pace. A place beyond the patience is not taken.
TAKE = """
local time = redis.call('time')
local now = time[1] * 1000 + time[2] / 1000
local gap, slack, patience = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local full = math.max(tonumber(redis.call('get', KEYS[1]) or '0'), now)
local wait = math.max(full - slack - now, 0)
if wait <= patience then
  redis.call('set', KEYS[1], string.format('%.3f', full + gap), 'PX', math.ceil(full + gap - now) + 1000)
end
return string.format('%.3f', wait)
"""

SHUT = """
local time = redis.call('time')
local now = time[1] * 1000 + time[2] / 1000
local full = now + tonumber(ARGV[1]) + tonumber(ARGV[2])
if tonumber(redis.call('get', KEYS[1]) or '0') < full then
  redis.call('set', KEYS[1], string.format('%.3f', full), 'PX', math.ceil(full - now) + 1000)
end
return 1
"""

# A sliding window log: who is in it, each with the moment they will have left.
ENTER = """
local time = redis.call('time')
local now = time[1] * 1000 + time[2] / 1000
local ticket, most, stay = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
redis.call('zremrangebyscore', KEYS[1], '-inf', string.format('%.3f', now))
if redis.call('zcard', KEYS[1]) < most then
  redis.call('zadd', KEYS[1], string.format('%.3f', now + stay), ticket)
  redis.call('pexpire', KEYS[1], math.ceil(stay) + 1000)
  return '0'
end
return string.format('%.3f', math.max(redis.call('zrange', KEYS[1], 0, 0, 'WITHSCORES')[2] - now, 0.01))
"""

LEAVE = """
local time = redis.call('time')
local now = time[1] * 1000 + time[2] / 1000
local soon = now + tonumber(ARGV[2])
if tonumber(redis.call('zscore', KEYS[1], ARGV[1]) or '0') > soon then
  redis.call('zadd', KEYS[1], string.format('%.3f', soon), ARGV[1])
end
return 1
"""
