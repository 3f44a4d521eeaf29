# the whole device
-I../vmod/lib                   // modules that nothing else names are in here too
+incdir+../vmod/include
+define+TOY_RAM_MODEL+TOY_DEPTH=16
-DTOY_UNUSED
-v ../vmod/lib/cells.vlib
-f vmod/sdp/sdp.f               // relative to the folder of the description
-F rams.F
-Wno-moddup
-Wno-fatal
--top-module TOY_NV_nvdla
../vmod/top/TOY_NV_nvdla.v      // relative to this list
