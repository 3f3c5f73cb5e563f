-- Shared by every script. TERMINAL, WEIGHT, LATE, QUEUE, JOB_MOVES and STEP_MOVES come before this, from the tables of
-- common/contracts (see common/jobs/scripts.py). Keys (no Redis Cluster, so scripts may compute them):
--   job:<id>            hash: head, step:<name> for each step, version:<n> for each version; flat JSON objects whose
--                       nested documents are strings, so that decoding and encoding here never mangles an empty list
--   job:<id>:spec       hash: what each step that is ready or running is told to do
--   job:<id>:ev         stream of numbered events; the entry id is <seq>-0
--   due                 sorted set: when somebody must look at which job
--   wake                list: a push wakes a sleeping reconciler
--   active              set of jobs that have not ended, and active:<owner> of one owner's; aside:<owner> of those that are
--                       on no list and take no place of the others
--   owners              set of owners who have such jobs, or had some lately
--   running:<lane>      set of jobs that were let in and have not ended
--   jobs:<owner>        sorted set of an owner's jobs, all with score 0: ids are ordered by time
--   request:<owner>:<k> hash: what an idempotency key made, and the digest of its body
--   ready:<queue>...    rings of lanes, owners and jobs, and the steps that want a hint now (see below)
--   load:<queue>        set of <job>/<step> that are ready or running: the work that there is for its workers
--   later:<queue>       sorted set: steps that want a hint (or another one) at a certain time
--   turn:<queue>        hash: the present turn of each ring, and the turns of lanes and owners that left one
--   calloff:<queue>     sorted set: tickets for work elsewhere that nobody wants any more, and when somebody is to say so
--                       there; each is JSON with owner, job, step, ticket, the spec of the step, and of a ticket that is only
--                       called off if it proves to be of no use the work it was for
--   work:<owner>:<fp>   facts of finished work by fingerprint
--   archive, expiry     sorted sets: ended jobs without a manifest yet, and when archived ones are forgotten
--   collected           when objects that nothing refers to were last removed
--   workers, worker_info, offers   who lives until when, what it says of itself, and when each offer was last made
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

local function queue_of(step)
  return QUEUE[step:match('^[^:]*')]
end

local function save_step(job, step, fields)
  redis.call('HSET', 'job:' .. job, 'step:' .. step, cjson.encode(fields))
  local queue = queue_of(step)
  if not queue then return end  -- decided by the orchestrator itself
  local busy = fields.state == 'ready' or fields.state == 'running'
  redis.call(busy and 'SADD' or 'SREM', 'load:' .. queue, job .. '/' .. step)
end

-- The only way in which a job or a step gets another state. Called before anything is written, since a move that the
-- table does not have is a defect and ends the script.
local function move(moves, record, to)
  local from = record.state or moves.initial
  if from ~= to and not moves[from][to] then error('there is no move from ' .. from .. ' to ' .. to) end
  record.state = to
end

-- Numbers the event in the head; the caller saves the head.
local function emit(job, head, kind, data, now)
  head.seq = head.seq + 1
  redis.call('XADD', 'job:' .. job .. ':ev', 'MAXLEN', '~', 20000, head.seq .. '-0', 'type', kind, 'at', now, 'data', data)
end

-- The work that a ticket stands for is not wanted any more: some worker of the queue tells the other side, from `from` on.
-- With `work`, only when the step is not about to do this very work: it may find the same order.
local function call_off(owner, job, step, ticket, spec, from, work)
  local entry = { owner = owner, job = job, step = step, ticket = ticket, spec = spec or '', at = now_ms(), work = work or '' }
  redis.call('ZADD', 'calloff:' .. queue_of(step), from, cjson.encode(entry))
end

-- One push is enough, however much has happened: whoever wakes looks at all that is due before sleeping again.
local function wake_up()
  redis.call('LPUSH', 'wake', 1)
  redis.call('LTRIM', 'wake', 0, 0)
end

-- What an idempotency key made: 'replayed' or 'key_reused', and the answer; nothing when the key is new or empty.
local function known_request(owner, key, digest)
  if key == '' then return end
  local seen = redis.call('HMGET', 'request:' .. owner .. ':' .. key, 'digest', 'answer')
  if seen[1] then return seen[1] == digest and 'replayed' or 'key_reused', seen[2] end
end

local function keep_request(owner, key, digest, answer, seconds)
  if key == '' then return end
  local record = 'request:' .. owner .. ':' .. key
  redis.call('HSET', record, 'digest', digest, 'answer', answer)
  redis.call('EXPIRE', record, seconds)
end

local function wake(job, now)
  redis.call('ZADD', 'due', now, job)
  wake_up()
end

-- Who is served next. A ring is a sorted set: the lowest score has its turn, and pays for it by moving back. Rings lie in
-- rings: lanes, in a lane its owners, of an owner the jobs, and of a job the steps that are ready, oldest first but for the
-- kinds in LATE, which come after the others (see common/contracts/kinds.py). So every pick costs the same, however many
-- wait. A lane or an owner that comes back gets the turn it left with, but none that has passed already; a newcomer, or a
-- job that comes back, stands half a turn behind the present one, so that a stream of them keeps nobody waiting for ever.
-- When nobody waits, all turns are forgotten. A pick costs a lane 1 / WEIGHT of its turn: WEIGHT comes from LANES in
-- common/contracts/job.py.

local function rings(queue, lane, owner, job)
  local top = 'ready:' .. queue
  return { { top, lane, 1 / (WEIGHT[lane] or 1) }, { top .. ':' .. lane, owner, 1 },
    { top .. ':' .. lane .. ':' .. owner, job, 1 } }, top .. ':' .. lane .. ':' .. owner .. ':' .. job
end

local CENTURY = 100 * 365 * 24 * 3600 * 1000
local JOBS = 3  -- the level of jobs: far too many come and go for their turns to be remembered

local function ring_enter(turns, ring, member)
  if redis.call('ZSCORE', ring, member) then return end
  local present = tonumber(redis.call('HGET', turns, ring) or 0)
  local left = redis.call('HGET', turns, ring .. '|' .. member)
  redis.call('ZADD', ring, left and math.max(tonumber(left), present) or present + 0.5, member)
end

local function ring_leave(turns, ring, member, level)
  local score = redis.call('ZSCORE', ring, member)
  if not score then return end
  if level < JOBS then redis.call('HSET', turns, ring .. '|' .. member, score) end
  redis.call('ZREM', ring, member)
end

local function ready_member(head, job, step)
  return head.lane .. '/' .. head.owner .. '/' .. job .. '/' .. step
end

local function ready_add(queue, lane, owner, job, step, order)
  local levels, leaf = rings(queue, lane, owner, job)
  if LATE[step:match('^[^:]*')] then order = order + CENTURY end
  redis.call('ZADD', leaf, 'NX', order, step)
  for _, level in ipairs(levels) do ring_enter('turn:' .. queue, level[1], level[2]) end
end

local function ready_drop(queue, lane, owner, job, step)
  local levels, leaf = rings(queue, lane, owner, job)
  if redis.call('ZREM', leaf, step) == 0 or redis.call('EXISTS', leaf) == 1 then return end
  for index = JOBS, 1, -1 do
    ring_leave('turn:' .. queue, levels[index][1], levels[index][2], index)
    if redis.call('EXISTS', levels[index][1]) == 1 then return end
    if index == JOBS then redis.call('HDEL', 'turn:' .. queue, levels[index][1]) end
  end
  redis.call('DEL', 'turn:' .. queue)
end

-- Takes the step whose turn it is out of the rings: lane, owner, job, step; nothing when none is ready.
local function ready_pick(queue)
  while true do
    local top = 'ready:' .. queue
    local path, ring = {}, top
    for level = 1, 4 do
      path[level] = redis.call('ZRANGE', ring, 0, 0)[1]
      if not path[level] then break end
      ring = ring .. ':' .. path[level]
    end
    local lane, owner, job, step = path[1], path[2], path[3], path[4]
    if not lane then return end
    local levels = rings(queue, lane, owner or '', job or '')
    if step then
      for _, level in ipairs(levels) do
        redis.call('HSET', 'turn:' .. queue, level[1], redis.call('ZSCORE', level[1], level[2]))
        redis.call('ZINCRBY', level[1], level[3], level[2])
      end
      ready_drop(queue, lane, owner, job, step)
      return lane, owner, job, step
    end
    -- a ring whose inside got lost: out with it, and look again
    local inmost = levels[#path]
    redis.call('ZREM', inmost[1], inmost[2])
  end
end

-- A step wants a hint from `from` on.
local function ready_from(queue, head, job, step, from, now)
  if from > now then
    redis.call('ZADD', 'later:' .. queue, from, ready_member(head, job, step))
  else
    ready_add(queue, head.lane, head.owner, job, step, now)
  end
end

local function ready_never(queue, head, job, step)
  redis.call('ZREM', 'later:' .. queue, ready_member(head, job, step))
  ready_drop(queue, head.lane, head.owner, job, step)
end

-- Where the unfinished jobs of an owner are counted.
local function circle(head)
  return (head.aside == 1 and 'aside:' or 'active:') .. head.owner
end

-- Puts a job that is to run in front of the door: `admit` lets it in when there is a place. The caller saves the head.
local function await_place(job, head, now)
  move(JOB_MOVES, head, 'queued')
  head.started = 0
  head.finished = 0
  head.cancel = 0
  head.failure = nil
  head.deadline = now + head.patience
  redis.call('SADD', 'active', job)
  redis.call('SADD', circle(head), job)
  redis.call('SADD', 'owners', head.owner)
  redis.call('ZREM', 'archive', job)
  redis.call('ZREM', 'expiry', job)
  ready_add('lobby:' .. head.lane, head.lane, head.owner, job, 'start', now)
  wake(job, now)
end

local function leave_place(job, head)
  redis.call('ZREM', 'due', job)
  redis.call('SREM', 'active', job)
  redis.call('SREM', circle(head), job)
  redis.call('SREM', 'running:' .. head.lane, job)
  ready_drop('lobby:' .. head.lane, head.lane, head.owner, job, 'start')
  wake_up()  -- somebody else may be let in
end

-- Is there room for so many more? Returns nil, or 'owner_full' or 'server_full'. A limit of 0 is none.
local function refused(circle, count, most_waiting, most_of_owner)
  if most_of_owner > 0 and redis.call('SCARD', circle) + count > most_of_owner then return 'owner_full' end
  local waiting = redis.call('SCARD', 'active')
  for lane, _ in pairs(WEIGHT) do waiting = waiting - redis.call('SCARD', 'running:' .. lane) end
  if most_waiting > 0 and waiting + count > most_waiting then return 'server_full' end
end
