ldtilecfg (%rax)
tileloadd (%r9,%r10,1), %tmm0
tileloadd 64(%r9,%r10,1), %tmm1
tileloadd (%r13,%r10,1), %tmm2
tileloadd 64(%r13,%r10,1), %tmm3
tilezero %tmm0
tilezero %tmm1
tilezero %tmm2
tilezero %tmm3
tileloadd (%rsi,%r11,1), %tmm4
tileloadd (%rdi,%r11,1), %tmm6
tdpbf16ps %tmm6, %tmm4, %tmm0
tileloadd 1024(%rdi,%r11,1), %tmm7
tdpbf16ps %tmm7, %tmm4, %tmm1
tileloadd 1024(%rsi,%r11,1), %tmm5
tdpbf16ps %tmm6, %tmm5, %tmm2
tdpbf16ps %tmm7, %tmm5, %tmm3
tilestored %tmm0, (%rdx,%r8,1)
tilestored %tmm1, 64(%rdx,%r8,1)
tilestored %tmm2, (%r13,%r8,1)
tilestored %tmm3, 64(%r13,%r8,1)
tilerelease
vcvtne2ps2bf16 %zmm0, %zmm1, %zmm2
tileloadd 2048(%rdi,%r11,1), %tmm6
tileloadd 3072(%rdi,%r11,1), %tmm7
tileloadd 2048(%rsi,%r11,1), %tmm4
tileloadd 3072(%rsi,%r11,1), %tmm5
vcvtne2ps2bf16 %zmm0, %zmm1, %zmm4
