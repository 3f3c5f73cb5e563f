-- Shared by every script. Keys (no Redis Cluster, so scripts may compute them):
--   job:<id>            hash: head, and step:<name> for each step; flat JSON objects whose nested documents are
--                       strings, so that decoding and encoding here never mangles an empty list
--   job:<id>:ev         stream of numbered events; the entry id is <seq>-0
--   due                 sorted set: when somebody must look at which job
--   wake                list: a push wakes a sleeping reconciler
--   active              set of jobs that have not ended
--   jobs:<owner>        sorted set of an owner's jobs by time of creation
--   request:<owner>:<k> hash: the job an idempotency key made, and the digest of its body
--   ready:<queue>       sorted set: steps that want a hint, scored by when they may get (another) one
--   turn:<queue>        sorted set: when an owner, or a job, last had its turn
--   work:<owner>:<fp>   facts of finished work by fingerprint
-- Nothing is written before everything has been checked: a script has no rollback.

local function now_ms()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end

local function load_head(job)
  local text = redis.call('HGET', 'job:' .. job, 'head')
  return text and cjson.decode(text)
end

local function load_step(job, step)
  local text = redis.call('HGET', 'job:' .. job, 'step:' .. step)
  return text and cjson.decode(text)
end

local function save_head(job, head)
  redis.call('HSET', 'job:' .. job, 'head', cjson.encode(head))
end

local function save_step(job, step, fields)
  redis.call('HSET', 'job:' .. job, 'step:' .. step, cjson.encode(fields))
end

local TERMINAL = { completed = true, partial = true, failed = true, cancelled = true }

-- Numbers the event in the head; the caller saves the head.
local function emit(job, head, kind, data, now)
  head.seq = head.seq + 1
  redis.call('XADD', 'job:' .. job .. ':ev', 'MAXLEN', '~', 2000, head.seq .. '-0', 'type', kind, 'at', now, 'data', data)
end

local function wake(job, now)
  redis.call('ZADD', 'due', now, job)
  redis.call('LPUSH', 'wake', 1)
  redis.call('LTRIM', 'wake', 0, 7)
end

local function ready_member(head, job, step)
  return head.owner .. '/' .. job .. '/' .. step
end
