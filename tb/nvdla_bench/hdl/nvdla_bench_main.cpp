// Runs nvdla_bench under Verilator: makes the clock, and serves cocotb when something of it is due.
//
// With +bare cocotb is not started: player.bin runs once, which is the speed of
// the model and its memory alone, and is printed as "bare: <seconds of processor time>". Options: --trace, --trace-file NAME, as cocotb's runner gives them.

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <limits>
#include <memory>
#include <string>

#include "Vtop.h"
#include "verilated.h"
#include "verilated_vpi.h"

#if VM_TRACE
#include "verilated_vcd_c.h"
#endif

extern "C" void vlog_startup_routines_bootstrap(void);

namespace {

struct Options {
    bool bare = false;
    bool trace = false;
    std::string trace_file = "dump.vcd";
};

Options parse(int argc, char** argv) {
    Options options;
    for (int i = 1; i < argc; ++i) {
        if (!std::strcmp(argv[i], "+bare")) options.bare = true;
        if (!std::strcmp(argv[i], "--trace")) options.trace = true;
        if (!std::strcmp(argv[i], "--trace-file") && i + 1 < argc) options.trace_file = argv[++i];
    }
    return options;
}

bool callValueCallbacks() {
    bool called = false;
    while (VerilatedVpi::callValueCbs()) called = true;
    return called;
}

class Simulation {
public:
    Simulation(VerilatedContext& context, const Options& options)
        : m_context{context}, m_top{new Vtop{&context, ""}} {
        m_top->clk = 0;
        m_top->go = 0;
        for (int exponent = m_context.timeprecision(); exponent < -9; ++exponent) m_half_period *= 10;
#if VM_TRACE
        if (options.trace) {
            m_trace.reset(new VerilatedVcdC);
            m_top->trace(m_trace.get(), 99);
            m_trace->open(options.trace_file.c_str());
        }
#endif
    }

    // player.bin, without cocotb.
    void runBare() {
        m_top->eval();
        m_top->go = 1;
        const bool before = m_top->wake;
        const std::clock_t started = std::clock();
        uint64_t next_edge = m_half_period;
        while (!m_context.gotFinish() && m_top->wake == before) {
            m_context.time(std::min(next_edge, nextDelayed()));
            if (m_context.time() == next_edge) {
                next_edge += m_half_period;
                m_top->clk = !m_top->clk;
            }
            m_top->eval();
            dump();
        }
        std::printf("bare: %.6f\n", static_cast<double>(std::clock() - started) / CLOCKS_PER_SEC);
    }

    void runWithCocotb() {
        m_top->eval();  // Python must not see the state before the initial blocks
        vlog_startup_routines_bootstrap();
        VerilatedVpi::callCbs(cbStartOfSimulation);
        callValueCallbacks();
        settle();
        uint64_t next_edge = m_half_period;
        while (!m_context.gotFinish()) {
            const uint64_t deadline = VerilatedVpi::cbNextDeadline();
            const uint64_t now = std::min({next_edge, deadline, nextDelayed()});
            m_context.time(now);
            bool called = VerilatedVpi::callCbs(cbNextSimTime);
            if (deadline <= now) {
                VerilatedVpi::callTimedCbs();
                called = true;
            }
            if (called) callValueCallbacks();
            if (next_edge == now) {
                next_edge += m_half_period;
                // Who waits for the edge sees the signals as they are before it.
                m_top->clk = !m_top->clk;
                called |= callValueCallbacks();
            }
            if (called || VerilatedVpi::hasCbs(cbReadWriteSynch) || VerilatedVpi::hasCbs(cbReadOnlySynch)) {
                settle();
            } else {  // most edges: nobody in Python wants anything
                m_top->eval();
                if (callValueCallbacks()) settle();
            }
            dump();
        }
    }

    void finish() {
        m_top->final();
        VerilatedVpi::callCbs(cbEndOfSimulation);
#if VM_TRACE
        if (m_trace) m_trace->close();
#endif
    }

private:
    // Evaluates until neither the model nor Python has more to say in this time step.
    void settle() {
        do {
            do {
                m_top->eval_step();
                VerilatedVpi::clearEvalNeeded();
                VerilatedVpi::doInertialPuts();
                callValueCallbacks();
            } while (VerilatedVpi::evalNeeded());
            VerilatedVpi::callCbs(cbReadWriteSynch);
            VerilatedVpi::doInertialPuts();
            callValueCallbacks();
        } while (VerilatedVpi::evalNeeded());
        m_top->eval_end_step();
        VerilatedVpi::callCbs(cbReadOnlySynch);
    }

    // When the model's next delay ends: only with --timing does it have any.
    uint64_t nextDelayed() {
        return m_top->eventsPending() ? m_top->nextTimeSlot() : std::numeric_limits<uint64_t>::max();
    }

    void dump() {
#if VM_TRACE
        if (m_trace) m_trace->dump(m_context.time());
#endif
    }

    VerilatedContext& m_context;
    std::unique_ptr<Vtop> m_top;
    // A nanosecond in the units of the simulation's time.
    uint64_t m_half_period = 1;
#if VM_TRACE
    std::unique_ptr<VerilatedVcdC> m_trace;
#endif
};

}  // namespace

int main(int argc, char** argv) {
    VerilatedContext& context = *Verilated::threadContextp();
    const Options options = parse(argc, argv);
    context.commandArgs(argc, argv);
    context.fatalOnVpiError(false);
#if VM_TRACE
    context.traceEverOn(true);
#endif
    Simulation simulation{context, options};
    if (options.bare) {
        simulation.runBare();
    } else {
        simulation.runWithCocotb();
    }
    simulation.finish();
    return context.errorCount() > 0 ? 1 : 0;
}
