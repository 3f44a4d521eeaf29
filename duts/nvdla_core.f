// The core and, from the same folder, the modules that it is made of.
+incdir+../rtl
-y ../rtl +libext+.v
../rtl/nvdla_core.v
