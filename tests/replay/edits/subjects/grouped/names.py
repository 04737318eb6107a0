FETCH = "fetch"
