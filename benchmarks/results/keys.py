"""The keys of a saved run, for those who write it and those who read it.

pytest-benchmark's JSON has the suite's own words at its top, and in each benchmark's ``extra_info``.
"""

# To be raised where a key goes, or means something else. Schema 1 is until 3f827d8; its files do not have the number.
# In schema 2 a benchmark had one start; those of schema 1 and 2 are read as such. Until schema 3 what was fetched was a
# number of bytes for each file.
SCHEMA_NUMBER = 4

# At the top
SCHEMA = "schema"
EXIT_STATUS = "exit_status"  # pytest's; 0 of a whole run, KILLED of one that did not come to its end
KILLED = 137  # as a shell tells it of a process that SIGKILL ended; pytest has no such exit code
RECOVERED = "recovered"  # what a run lacks that was killed, and saved from its journal; absent of all others
UNSTABLE = "unstable"  # the doubtful benchmarks by name
ANSWERS = {"schema", "decisions", "checked"}  # at the top of decide's JSON, and of no saved run

# In machine_info
QUOTA = "quota"  # in cores, of the run's control groups; null where it is not below those that the run may use
# Of a run for a device that joined by a link: what it says of itself, and the machine_info of the machine that served
DEVICE, SERVED_BY = "device", "server"

# In extra_info: what was measured
MODEL_SHA256 = "model_sha256"
DATA_SHA256 = "data_sha256"
PRECISION = "precision"  # of the model's weights
BATCH_SIZE = "batch_size"  # null of a graph without a batch
STAND_IN = "stand_in"  # true of a short training where the model's own file was absent
UNTRAINED = "untrained"  # true of a network that is only timed: its answers mean nothing
INPUTS = "inputs"  # shapes by name
FED = "fed"  # by name: "made up", or what was given; behind it ", as pixels / 255", where it is made of pixels
MADE_UP = "made up"
MAY_STEER = "may_steer"  # made-up inputs whose values may choose what is computed

# How
EXECUTION_PROVIDER = "execution_provider"
THREADS = "threads"
CLOCK = "clock"
# {"asked": 4}; absent where nothing slows the client down. Of an opening with "obtained": 4.3 in it, which of a steady
# state stands beside it. Where the client was asked for by name, with "clients": {"mid-tier-mobile": [2, 10]}, by name
# the range of the factor, which is JavaScript's
SLOWDOWN, SLOWDOWN_OBTAINED = "slowdown", "slowdown_obtained"
# {"asked": {"name", "round_trip", "down", "up"}, "obtained": {"round_trip", "down", "up"}, "kind", "lacks",
# "congestion_control"}, in seconds and bit/s; absent where nothing lay between page and servers
NETWORK = "network"
SERVER = "server"  # {"software", "protocol", "url", "is_relayed"}; absent where none was asked
UPLOAD = "upload"  # {"form": "float32", "bytes": 12288}: what a page sent of an inference's inputs
WHERE = "where"  # "worker": the runtime is in one; absent where it is in the page's main thread, or in none
SOFTWARE_GPU = "software_gpu"  # true, or absent
STATISTIC = "statistic"  # by which two runs of it are compared: p10 or mean
DETAILS = "details"  # what the platform tells of itself
STARTS = "starts"  # [[54, 53], [55, 52]]: of each start the samples of each block, a block of a gate being a turn
STARTS_WANTED = "starts_wanted"  # by --starts; a page that ages has more
SURROUNDING = "surrounding"  # what was fresh in each start: page or process
CACHES = "caches"  # what they held, of an opening
CORES = "cores"  # where each start was kept; null where it was free

# Of a device that joined, what in a result is of the machine that served: witness, cores and machine_drift
SERVING = "serving"

# What came out beside the samples, in seconds and bytes
P10 = "p10"
CPU_SECONDS = "cpu_seconds_per_inference"
FIGURES = "figures"  # {"median": {"value": …, "low": …, "high": …}, …}: in the middle of the starts
DRIFT = (
    "machine_drift"  # {"spread": 0.03, "degrees": 24}: of the machine between the run's benchmarks; in the intervals
)
JOULES = "joules_per_inference"  # {"rapl package-0": 0.0123, …}: of each counter of the machine
SERVER_SECONDS = "server_seconds"  # a figure: of the inference in the server, by its own word; absent if it has none
# A figure, of a runtime in a worker: what is left of an inference that the page waits for when the worker's own part is
# taken away: its inputs are copied there, its outputs handed over, and the worker is woken
TRANSFER_SECONDS = "transfer_seconds"
# {"window": 3.1, "inferences": 12, "longest_task": 0.24, "total_blocking_time": 2.3, "frames": 12,
# "frames_missed": 174, "frames_at_rest": 60.0, "disagreement": 0.001}, in seconds and frames a second: of the start
# that froze most
BLOCKING = "blocking"
LONGEST_TASK = "longest_task"  # a figure: of the longest of each start
TAKEN = "memory_over_start"  # bytes of a page, of the opening that took most; absent where the system does not tell
MEMORY_BUDGET = "memory_budget"  # bytes that a page may take over its start; absent where nobody asks, or can tell
OVER_BUDGET = "over_budget"  # true where it takes more, else absent
# In details. Of each file that came: {"wire": 2391966, "decoded": 14239897, "encoding": "br", "level": 10}, and of one
# that came as it is null and null. In older files, whose servers sent everything so, a number
FETCHED = "fetched"
FETCHED_BYTES = "fetched_bytes"  # of all of them, decoded, and
FETCHED_WIRE_BYTES = "fetched_wire_bytes"  # as they were sent
# In details. {"runtime": 2414012, "model": 1021341, "files": 3}: what a person would ship, in bytes as they were sent,
# without the suite's own files; absent where some of it came from a cache, or there is nothing
SHIPPED = "shipped"
# In details, of an opening alone. [{"path", "start", "response", "end", "wire", "decoded"}, …]: its requests as the
# page saw them, in seconds from its beginning and bytes; "compiled": 0.31 is when the WebAssembly that came was
# compiled, where that began while it came, "opened": true tells of a connection that was made for it
WATERFALL = "waterfall"
LOAD_PARTS = "load_parts"  # in details; they add up to the load: runtime, model, compile, session (and worker)
WIRE_BYTES = "wire_bytes"  # {"up": 13543, "down": 1140}: an inference, headers of all layers included
# {"connect": …, "tls": …, "preflight": …} in seconds: of a first request, each seen apart
REQUEST_PARTS = "request_parts"
# A figure: that a server carries, by MLPerf LoadGen; of Server the highest rate within the bound, and the interval ends
# at the lowest above which none was. A query is one inference, of a whole batch
QUERIES_PER_SECOND = "queries_per_second"
P99_BOUND = "p99_bound"  # seconds, of Server
SCENARIO = "scenario"  # LoadGen's: SingleStream, Offline, Server
WORKERS = "workers"  # that asked at once, each with a session or a connection of its own
TRIALS = "trials"  # of the scenario, in the order they were made, each with what LoadGen said of it
COMPLIANCE = "compliance"  # how far MLPerf's rules were kept: not
PARTNER_SECONDS = "partner_seconds"
PARTNER_ITERATIONS = "partner_iterations"  # inferences in a sample of it; the benchmark's own are in stats
PARTNER = "partner"  # of each start and block: its p10, median and mean, and rounds
RATIO_TO = "ratio_to_"  # and the partner's name
MEMORY = "memory_"  # and before, peak or wasm
WITNESS = "witness"  # of the machine's state: a fixed piece of work, and how long it took meanwhile
TRUST = "trust"
TOLERANCE = "tolerance"  # how large the difference from the reference, "parity", might have been
# {"batch": 3.7e-03, "nudge": 2e-07, "again": 0}: by how much the reference differs from itself, by way of asking
REFERENCE_DIFFERS = "reference_differs"
UNPROVED = "unproved"  # outputs of the reference without a finite number, which prove no platform right; else absent
DOUBTS = "doubts"  # in trust
UNKNOWN = "unknown"  # in trust, as the doubts: what should be known of the circumstances, and is not; else absent
OTHER_PROGRAMS = "other_programs"  # in trust
ODD_STARTS = "odd_starts"  # in trust: {"3": 2.9}, the starts that took so many times as long as their siblings
TOP1, TOP5, AS_REFERENCE = "top1", "top5", "as_reference"  # per cent, of an accuracy
