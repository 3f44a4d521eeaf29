-incdir vmod/sdp
vmod/sdp/TOY_sdp_copy.v
